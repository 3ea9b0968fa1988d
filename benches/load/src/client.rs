//! One person over a real socket.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use labboard_room::{Changes, ClientMessage, Op, PROTOCOL, PersonId, RoomId, ServerMessage, Value, Welcome};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

pub type Socket = WebSocketStream<TcpStream>;

/// When which operation was sent, by its author and number.
#[derive(Clone, Debug, Default)]
pub struct Sent(Arc<Mutex<HashMap<(PersonId, u64), Instant>>>);

impl Sent {
    pub fn note(&self, author: PersonId, n: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((author, n), Instant::now());
    }

    pub fn when(&self, author: PersonId, n: u64) -> Option<Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&(author, n)).copied()
    }
}

#[derive(Debug)]
pub struct Writer {
    sink: SplitSink<Socket, Message>,
    pub me: PersonId,
    n: u64,
}

#[derive(Debug)]
pub struct Reader(SplitStream<Socket>);

/// Opens a socket without entering a room.
pub async fn connect(server: &str) -> Result<Socket> {
    let mut request = format!("ws://{server}/live").into_client_request()?;
    request.headers_mut().insert("origin", format!("http://{server}").parse()?);
    let stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    Ok(tokio_tungstenite::client_async(request, stream).await?.0)
}

/// Says hello and waits for the welcome.
pub async fn enter(socket: &mut Socket, room: &RoomId, client: &str) -> Result<Welcome> {
    let client = client.parse().context("a client id")?;
    let hello = ClientMessage::Hello { protocol: PROTOCOL, room: room.clone(), client, name: None, resume: None };
    socket.send(Message::text(hello.encode()?)).await?;
    while let Some(message) = socket.next().await {
        if let Message::Text(text) = message? {
            match ServerMessage::parse(&text)? {
                ServerMessage::Welcome(welcome) => return Ok(*welcome),
                ServerMessage::Error { message, .. } => bail!("{message}"),
                _ => {}
            }
        }
    }
    bail!("the server closed the connection")
}

pub async fn join(server: &str, room: &RoomId, client: &str) -> Result<(Writer, Reader)> {
    let mut socket = connect(server).await?;
    let welcome = enter(&mut socket, room, client).await?;
    let (sink, stream) = socket.split();
    Ok((Writer { sink, me: welcome.you.id, n: 0 }, Reader(stream)))
}

impl Writer {
    /// Turns a toggle; answers the number of the operation.
    pub async fn change(&mut self, sent: &Sent) -> Result<u64> {
        self.n += 1;
        let value = if self.n.is_multiple_of(2) { json!([]) } else { json!(["on"]) };
        let set: Changes = [("scatter.log_x".parse()?, Some(Value::new(value)?))].into();
        let message = ClientMessage::Submit(Op { n: self.n, set, guard: None }).encode()?;
        sent.note(self.me, self.n);
        self.sink.send(Message::text(message)).await?;
        Ok(self.n)
    }

    pub async fn point(&mut self, x: f64) -> Result<()> {
        let state = Value::new(json!({"panel": "scatter", "pointer": {"x": x, "y": 1.5}}))?;
        Ok(self.sink.send(Message::text(ClientMessage::Presence { state }.encode()?)).await?)
    }
}

impl Reader {
    pub async fn next(&mut self) -> Option<ServerMessage> {
        loop {
            if let Message::Text(text) = self.0.next().await?.ok()? {
                return ServerMessage::parse(&text).ok();
            }
        }
    }
}
