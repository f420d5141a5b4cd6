//! People who decide, and clients that run meanwhile.

use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use chaperone_stack::Stack;
use serde_json::Value;

use crate::printed;

/// Looks again and again until there is something, for at most 20 seconds.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} did not happen");
        sleep(Duration::from_millis(50));
    }
}

/// The people beside the sidecar.
#[derive(Debug)]
pub struct People<'a>(pub &'a Stack);

impl People<'_> {
    /// Runs the `chaperone` program.
    pub fn run(&self, arguments: &[&str]) -> String {
        printed(&self.0.chaperone().args(arguments).output().unwrap())
    }

    /// The ids of the requests that wait.
    #[must_use]
    pub fn pending(&self) -> Vec<String> {
        let output = self.0.chaperone().args(["approvals", "list", "--json"]).output().unwrap();
        let list: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let items =
            list.as_array().or_else(|| list.get("approvals")?.as_array()).cloned().unwrap_or_default();
        let waiting =
            items.iter().filter(|item| item.get("state").and_then(Value::as_str) == Some("pending"));
        waiting.filter_map(|item| item.get("id")?.as_str().map(str::to_owned)).collect()
    }

    /// The request that waits, once there is one.
    pub fn one_pending(&self) -> String {
        eventually("a request for approval", || self.pending().pop())
    }
}

/// A program that runs while the test goes on.
#[derive(Debug)]
pub struct Background(Option<Child>);

impl Background {
    /// Starts it.
    #[must_use]
    pub fn start(mut command: Command) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        Self(Some(child.expect("it starts")))
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.0.as_ref().map_or(0, Child::id)
    }

    /// Waits for its end; what it printed.
    #[must_use]
    pub fn finish(mut self) -> String {
        printed(&self.0.take().expect("once").wait_with_output().unwrap())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
