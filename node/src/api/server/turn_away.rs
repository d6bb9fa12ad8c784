//! A word to those for whom there is no room.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time,
};

use super::super::problem::{PROBLEM_JSON, Problem};

/// For all of it.
const TIME: Duration = Duration::from_secs(1);

/// Of what the client sends meanwhile, so much is read and thrown away: closing on unread bytes would take
/// the answer back.
const READ_MAX: usize = 64 * 1024;

/// Says why, and closes the connection.
pub(super) async fn turn_away(stream: TcpStream, problem: &Problem) {
    // Whether it is heard is not our concern.
    let _ = time::timeout(TIME, tell(stream, problem)).await;
}

async fn tell(mut stream: TcpStream, problem: &Problem) -> io::Result<()> {
    let body = problem.body();
    let reason = axum::http::StatusCode::from_u16(problem.status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("No");
    let head = format!(
        "HTTP/1.1 {} {reason}\r\ncontent-type: {PROBLEM_JSON}\r\ncontent-length: {}\r\nretry-after: 1\r\n\
         connection: close\r\n\r\n",
        problem.status,
        body.len(),
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body).await?;
    stream.shutdown().await?;
    let mut bin = [0; 1024];
    let mut left = READ_MAX;
    while left > 0 {
        match stream.read(&mut bin).await? {
            0 => break,
            read => left = left.saturating_sub(read),
        }
    }
    Ok(())
}
