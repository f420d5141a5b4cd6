//! What travels as protobuf or JSON between modules, to the sidecar, and from Envoy.
//!
//! Laws: nothing panics; what is read and written again is the same message; settings that are read twice are the
//! same.

use std::rc::Rc;

use chaperone_flow::{NoteReader, NoteWriter, Session};
use chaperone_proto::{
    Message, NoteSet, RecordAck, RecordBatch, VerifySignatureArguments, VerifySignatureResult, struct_to_json,
};
use chaperone_settings::{Environment, Settings};

#[derive(Debug)]
struct Nothing;

impl Environment for Nothing {
    fn variable(&self, _name: &str) -> Option<String> {
        None
    }
}

/// The target.
pub fn body(data: &[u8]) {
    if let Some(set) = again::<NoteSet>(data) {
        let (mut reader, mut writer, mut second) =
            (NoteReader::default(), NoteWriter::default(), NoteReader::default());
        for note in set.notes {
            let ordinal = note.ordinal;
            let Some(read) = reader.read(note) else { continue };
            let arrived = second.read(writer.write(&read, ordinal)).expect("what a note was written as");
            assert_eq!(arrived.command.digest(), read.command.digest(), "another command");
            assert_eq!((&arrived.verdict, arrived.policy), (&read.verdict, read.policy), "another verdict");
            assert_eq!(arrived.command.facts(), read.command.facts(), "other facts");
        }
    }
    again::<RecordBatch>(data);
    again::<RecordAck>(data);
    again::<VerifySignatureArguments>(data);
    again::<VerifySignatureResult>(data);
    if let Ok(json) = struct_to_json(data) {
        assert!(json.is_object() && json.to_string().len() < data.len() * 32 + 100, "a `Struct` grows");
    }
    if let Some(session) = Session::from_json(data) {
        assert_eq!(Session::from_json(session.to_json().as_bytes()), Some(session), "a session changes");
    }
    match Settings::read(data, Rc::new(Nothing)) {
        Ok(settings) => {
            let again = Settings::read(data, Rc::new(Nothing)).expect("read before");
            assert_eq!(settings.policy.digest(), again.policy.digest());
            assert_eq!((settings.resource, settings.limits), (again.resource, again.limits));
        }
        Err(error) => assert!(!error.to_string().is_empty(), "an error without words"),
    }
}

/// Reads, writes and reads again.
fn again<M: Message + Default + PartialEq>(data: &[u8]) -> Option<M> {
    let read = M::decode(data).ok()?;
    let bytes = read.encode_to_vec();
    let second = M::decode(&*bytes).expect("what was just written");
    // Where a NaN could be it would not be equal to itself; there is none in these messages.
    assert!(read == second, "written otherwise than read");
    Some(read)
}
