//! Starting and ending the program, and asking it things.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

pub(crate) const FILTER: &str = "filter-token-of-a-test";
pub(crate) const OPERATOR: &str = "operator-token-of-a-test";

/// A directory that goes when the test ends.
pub(crate) struct Place(PathBuf);

/// A running `chaperone`.
pub(crate) struct Running {
    child: Child,
    pub(crate) url: String,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Place {
    pub(crate) fn new() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("chaperone-test-{}-{number}", std::process::id()));
        let _absent = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// A sidecar with its data here, on a free port.
    pub(crate) fn serve(&self) -> Running {
        self.serve_at("127.0.0.1:0")
    }

    pub(crate) fn serve_at(&self, address: &str) -> Running {
        self.serve_with(&["--listen", address])
    }

    /// With these options; on a free port where they say nothing else.
    pub(crate) fn serve_with(&self, options: &[&str]) -> Running {
        let mut command = chaperone(&["serve", "--data"]);
        command.arg(self.join("data"));
        if !options.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        command.args(options);
        Running::start(command)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _kept = std::fs::remove_dir_all(&self.0);
    }
}

impl Running {
    /// Starts a command that says on its first line where it listens.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let (_, url) = line.trim().rsplit_once("listening on ").expect("it says where it listens");
        Self { child, url: url.to_owned() }
    }

    pub(crate) fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    pub(crate) fn get(&self, path: &str, token: &str) -> Answer {
        ask("GET", &format!("{}{path}", self.url), Some(token), None).unwrap()
    }

    pub(crate) fn send(&self, method: &str, path: &str, token: &str, body: &Value) -> Answer {
        let body = body.to_string().into_bytes();
        ask(method, &format!("{}{path}", self.url), Some(token), Some(("application/json", body))).unwrap()
    }

    pub(crate) fn post_records(&self, body: Vec<u8>) -> Answer {
        let body = Some(("application/x-protobuf", body));
        ask("POST", &format!("{}/v1/records", self.url), Some(FILTER), body).unwrap()
    }

    /// As the recorder of this name.
    pub(crate) fn post_records_as(&self, recorder: &str, body: Vec<u8>) -> Answer {
        let request = ureq::http::Request::builder().method("POST").uri(format!("{}/v1/records", self.url));
        let request = request
            .header("authorization", format!("Bearer {FILTER}"))
            .header("content-type", "application/x-protobuf")
            .header("x-chaperone-recorder", recorder);
        answer(agent().run(request.body(body).unwrap()).unwrap()).unwrap()
    }

    /// Runs a command of the command line against this sidecar.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        ran(chaperone(args).env("CHAPERONE_SIDECAR_URL", &self.url))
    }

    /// SIGTERM; says how long it took to end.
    pub(crate) fn stop(mut self) -> Duration {
        let began = Instant::now();
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
        began.elapsed()
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// The program, with the tokens and without anything else of this machine.
pub(crate) fn chaperone(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chaperone"));
    command.args(args).env_clear().stdin(Stdio::null());
    command.env("CHAPERONE_FILTER_TOKEN", FILTER).env("CHAPERONE_OPERATOR_TOKEN", OPERATOR);
    command
}

pub(crate) fn ran(command: &mut Command) -> Ran {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: status.code().unwrap(), out: text(stdout), err: text(stderr) }
}

pub(crate) fn ask(
    method: &str,
    url: &str,
    token: Option<&str>,
    body: Option<(&str, Vec<u8>)>,
) -> Result<Answer, ureq::Error> {
    let agent = agent();
    let mut request = ureq::http::Request::builder().method(method).uri(url);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    answer(match body {
        None => agent.run(request.body(()).unwrap())?,
        Some((kind, body)) => agent.run(request.header("content-type", kind).body(body).unwrap())?,
    })
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None);
    config.timeout_global(Some(Duration::from_secs(60))).build().into()
}

fn answer(mut answer: ureq::http::Response<ureq::Body>) -> Result<Answer, ureq::Error> {
    let status = answer.status().as_u16();
    Ok(Answer { status, body: answer.body_mut().with_config().limit(64 << 20).read_to_vec()? })
}
