//! The desk over a real store, with a clock that stands still.

use chaperone_model::Digest;
use sha2::Digest as _;

use super::*;
use crate::approval::Answer;
use crate::clock::manual::ManualClock;
use crate::store::SqliteApprovals;

struct Office {
    desk: Arc<Desk>,
    clock: Arc<ManualClock>,
    stopping: watch::Sender<bool>,
    stop: watch::Receiver<bool>,
    path: std::path::PathBuf,
}

impl Office {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("chaperone-desk-{}-{name}", std::process::id()));
        let _absent = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        let store = Arc::new(SqliteApprovals::open(&path.join("approvals.db")).unwrap());
        let clock = Arc::new(ManualClock::at(1_000_000));
        let desk = Desk::new(store, Arc::clone(&clock) as _, Arc::default()).with_limits(3, 2);
        let (stopping, stop) = watch::channel(false);
        Self { desk: Arc::new(desk), clock, stopping, stop, path }
    }

    fn ask(&self, id: &str) -> ApprovalId {
        let id = ApprovalId(id.to_owned());
        self.desk.request(id.clone(), request("update t")).unwrap();
        id
    }

    fn wait(&self, id: &ApprovalId, seconds: u64) -> tokio::task::JoinHandle<Result<Approval, Error>> {
        let (desk, id, stop) = (Arc::clone(&self.desk), id.clone(), self.stop.clone());
        tokio::spawn(async move { desk.wait(id, Duration::from_secs(seconds), stop).await })
    }

    async fn until_waiting(&self, people: usize) {
        while self.desk.waiters() < people {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // The last to come must also have looked.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        let _kept = std::fs::remove_dir_all(&self.path);
    }
}

fn request(statement: &str) -> Request {
    Request {
        subject: "agent".to_owned(),
        statement: statement.to_owned(),
        digest: Digest(sha2::Sha256::digest(statement).into()).to_hex(),
        count: 1,
        expires_in: 60,
        cancel_key: "KEY".to_owned(),
        ..Request::default()
    }
}

fn yes() -> Act {
    Act::Approve(Answer { by: "ann".to_owned(), reason: String::new() })
}

#[test]
fn asking_twice_is_asking_once() {
    let office = Office::new("twice");
    let id = office.ask("ap-00000001");
    office.desk.act(&id, &yes()).unwrap();
    let again = office.desk.request(id.clone(), request("update t")).unwrap();
    assert!(matches!(again, Requested::Same(approval) if approval.state.name() == StateName::Approved));
    let other = office.desk.request(id, request("delete from t"));
    assert!(matches!(other, Err(Error::Exists(_))));
}

#[test]
fn a_full_desk_takes_no_more_until_time_or_people_make_room() {
    let office = Office::new("full");
    for index in 1..=3 {
        office.ask(&format!("ap-0000000{index}"));
    }
    let fourth = || office.desk.request(ApprovalId("ap-00000004".to_owned()), request("x"));
    assert!(matches!(fourth(), Err(Error::Full(_))));
    office.clock.advance_seconds(60);
    assert_eq!(office.desk.sweep().unwrap(), 3);
    assert!(fourth().is_ok());
}

#[test]
fn expiry_needs_no_sweeper() {
    let office = Office::new("expiry");
    let id = office.ask("ap-00000001");
    office.clock.advance_seconds(60);
    assert_eq!(office.desk.lookup(&id).unwrap().state.name(), StateName::Expired);
    let late = office.desk.act(&id, &yes());
    assert!(matches!(late, Err(Error::Refused(Refusal::Decided(StateName::Expired)))));
    assert_eq!(office.desk.list(Some(StateName::Pending), 10).unwrap().len(), 0);
    assert_eq!(office.desk.list(Some(StateName::Expired), 10).unwrap().len(), 1);
}

#[test]
fn a_cancel_key_ends_what_its_session_waits_for() {
    let office = Office::new("cancel");
    let id = office.ask("ap-00000001");
    assert!(office.desk.cancel("other").unwrap().is_empty());
    assert!(office.desk.cancel("").unwrap().is_empty());
    assert_eq!(office.desk.cancel("Key").unwrap(), std::slice::from_ref(&id));
    assert_eq!(office.desk.lookup(&id).unwrap().state.name(), StateName::Cancelled);
    assert!(office.desk.cancel("key").unwrap().is_empty());
}

#[tokio::test]
async fn a_decision_wakes_those_who_wait() {
    let office = Office::new("wake");
    let id = office.ask("ap-00000001");
    let waits = [office.wait(&id, 30), office.wait(&id, 30)];
    office.until_waiting(2).await;
    let third = office.wait(&id, 30).await.unwrap();
    assert!(matches!(third, Err(Error::Full(_))), "two may wait here");
    office.desk.act(&id, &yes()).unwrap();
    for wait in waits {
        let approval = tokio::time::timeout(Duration::from_secs(5), wait).await.unwrap().unwrap().unwrap();
        assert_eq!(approval.state.name(), StateName::Approved);
    }
    assert_eq!(office.desk.waiters(), 0);
}

#[tokio::test]
async fn a_wait_that_is_over_tells_how_things_stand() {
    let office = Office::new("over");
    let id = office.ask("ap-00000001");
    let began = std::time::Instant::now();
    let approval = office.wait(&id, 1).await.unwrap().unwrap();
    assert_eq!(approval.state.name(), StateName::Pending);
    assert!(began.elapsed() >= Duration::from_secs(1));
    let missing = office.wait(&ApprovalId("ap-unknown0".to_owned()), 1).await.unwrap();
    assert!(matches!(missing, Err(Error::Unknown(_))));
}

#[tokio::test]
async fn stopping_answers_those_who_wait_at_once() {
    let office = Office::new("stop");
    let id = office.ask("ap-00000001");
    let wait = office.wait(&id, 60);
    office.until_waiting(1).await;
    office.stopping.send_replace(true);
    let approval = tokio::time::timeout(Duration::from_secs(5), wait).await.unwrap().unwrap().unwrap();
    assert_eq!(approval.state.name(), StateName::Pending);
}

#[tokio::test]
async fn the_end_of_time_wakes_those_who_wait() {
    let office = Office::new("deadline");
    let mut request = request("x");
    request.expires_in = 1;
    let id = ApprovalId("ap-00000001".to_owned());
    office.desk.request(id.clone(), request).unwrap();
    let wait = office.wait(&id, 30);
    office.until_waiting(1).await;
    office.clock.advance_seconds(1);
    let approval = tokio::time::timeout(Duration::from_secs(5), wait).await.unwrap().unwrap().unwrap();
    assert_eq!(approval.state.name(), StateName::Expired);
}
