//! Takes connections, and gives each request a time in which it must have come.

use std::io;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use super::answer::Failure;
use crate::log;

/// In which a request's head must have come, counted from the answer before it: also how long a connection may be idle.
const HEAD_WITHIN: Duration = Duration::from_secs(60);
/// In which its body must have come.
const BODY_WITHIN: Duration = Duration::from_secs(20);
/// After which another connection is tried for where there was no room for one.
const ROOM_AFTER: Duration = Duration::from_millis(200);

/// Serves until `stop`, then lets the requests that are under way come to their end.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    serve_within(listener, router, stop, HEAD_WITHIN).await;
}

async fn serve_within(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()>,
    head_within: Duration,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(head_within);
    let graceful = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, _)) => {
                // Answers are small and somebody waits for them.
                let _slower = stream.set_nodelay(true);
                let service = TowerToHyperService::new(router.clone());
                let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
                // How a client goes away is its own affair.
                tokio::spawn(async move { connection.await.ok() });
            }
            Err(error) if is_of_the_client(&error) => {}
            Err(error) => {
                log::error("no connection can be taken", &[("error", &error)]);
                sleep(ROOM_AFTER).await;
            }
        }
    }
    drop(listener);
    graceful.shutdown().await;
}

fn is_of_the_client(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
}

/// A request's body, within the route's limit and [`BODY_WITHIN`].
#[derive(Debug)]
pub(super) struct Body(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        body_within(request, state, BODY_WITHIN).await.map(Self)
    }
}

async fn body_within<S: Send + Sync>(request: Request, state: &S, time: Duration) -> Result<Bytes, Response> {
    match timeout(time, Bytes::from_request(request, state)).await {
        Ok(body) => body.map_err(IntoResponse::into_response),
        Err(_) => {
            let error = format!("the body did not come within {} s", time.as_secs());
            Err(Failure::new(StatusCode::REQUEST_TIMEOUT, error).into_response())
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::post;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    const SHORT: Duration = Duration::from_millis(100);

    async fn echo(request: Request) -> Result<Bytes, Response> {
        body_within(request, &(), SHORT).await
    }

    /// What is said to a client that sends this and waits.
    async fn answer_to(sent: &str) -> String {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", post(echo));
        let serving = tokio::spawn(serve_within(listener, router, std::future::pending(), SHORT * 3));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        let mut heard = String::new();
        let all = stream.read_to_string(&mut heard);
        timeout(Duration::from_secs(20), all).await.expect("it is hung up on").unwrap();
        serving.abort();
        heard
    }

    #[tokio::test]
    async fn half_a_request_is_not_waited_for() {
        assert!(!answer_to("").await.contains("200"), "nothing at all");
        assert!(!answer_to("POST / HTTP/1.1\r\nhost: x\r\n").await.contains("200"), "half a head");
        let late = answer_to("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf").await;
        assert!(late.starts_with("HTTP/1.1 408 ") && late.contains("did not come within"), "{late}");
    }

    #[tokio::test]
    async fn a_connection_is_kept_for_the_next_request_and_then_let_go() {
        let twice = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc".repeat(2);
        let heard = answer_to(&twice).await;
        assert_eq!(heard.matches("HTTP/1.1 200 OK").count(), 2, "{heard}");
    }
}
