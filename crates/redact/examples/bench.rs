//! x
use chaperone_redact::*; use chaperone_model::mask::*; use std::time::Instant;
fn main(){ 
 let ds=[Detector::Card,Detector::Email,Detector::Iban,Detector::IpAddress,Detector::Phone,Detector::SecretKey,Detector::Ssn];
 let d=Detectors::new(&ds.map(|d|(d,Transform::Redact)),[7;32]);
 let d2=Detectors::new(&[(Detector::Card,Transform::Redact),(Detector::Email,Transform::Redact)],[7;32]);
 let prose="The quick brown fox jumps over the lazy dog, and sells three things at noon; nothing is said about who eats them. ".repeat(9000);
 let rows=(0..20000).map(|i|format!("{i}\tCustomer {i}\t{}.99\t2024-01-{:02} 12:{:02}:00\tLondon\n",i*7,i%28+1,i%60)).collect::<String>();
 let pii=(0..10000).map(|i|format!("{i} user{i}@example.com 4111 1111 1111 1111 from 10.0.0.{} said hello there\n",i%255)).collect::<String>();
 for (n,t) in [("prose",&prose),("rows",&rows),("pii",&pii)] { for (dn,d) in [("all",&d),("card+email",&d2)] {
  let mut best=f64::MAX; for _ in 0..7 { let s=Instant::now(); let r=d.mask_text(t.as_bytes()); let e=s.elapsed().as_secs_f64(); std::hint::black_box(r); best=best.min(e);} 
  println!("{n} {dn} {:.0} MB/s",t.len() as f64/best/1e6); } }
 let s=Instant::now(); for _ in 0..1000000 { std::hint::black_box(d.mask_text(std::hint::black_box(b"John Smith"))); } println!("short {:?}/value", s.elapsed()/1000000);
}
