//! Writes the seeds of every target into `DIR/NAME/`: for a fuzzer to start from.

use std::{env, fs, path::Path};

fn main() -> std::io::Result<()> {
    let into = env::args().nth(1).ok_or_else(|| std::io::Error::other("usage: chaperone-fuzz DIR"))?;
    for target in chaperone_fuzz::TARGETS {
        let folder = Path::new(&into).join(target.name);
        fs::create_dir_all(&folder)?;
        for (number, seed) in (target.seeds)().iter().enumerate() {
            fs::write(folder.join(format!("seed-{number:03}")), seed)?;
        }
    }
    Ok(())
}
