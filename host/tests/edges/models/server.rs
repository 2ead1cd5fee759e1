//! A model's server that does what a test says, byte by byte: for what no script of words can.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// It listens; nothing is answered until the test does.
pub(crate) struct Server {
    listener: TcpListener,
}

/// One connection to it.
pub(crate) struct Talk {
    stream: TcpStream,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self { listener: TcpListener::bind(("127.0.0.1", 0)).await.unwrap() }
    }

    pub(crate) fn base(&self) -> String {
        format!("http://{}/base", self.listener.local_addr().unwrap())
    }

    /// The next connection.
    pub(crate) async fn accepts(&self) -> Talk {
        Talk { stream: self.listener.accept().await.unwrap().0 }
    }

    /// Whether nobody has connected so far.
    pub(crate) async fn is_alone(&self) -> bool {
        tokio::select! { biased;
            _ = self.listener.accept() => false,
            () = tokio::task::yield_now() => true,
        }
    }

    /// The next request, answered with these bytes; its head, in small letters.
    pub(crate) async fn answers(&self, bytes: &str) -> String {
        let mut talk = self.accepts().await;
        let head = talk.head().await;
        talk.says(bytes).await;
        talk.ends().await;
        head
    }
}

impl Talk {
    /// The head of the request and what of its body came with it.
    pub(crate) async fn head(&mut self) -> String {
        let mut bytes = Vec::new();
        while !bytes.windows(4).any(|four| four == b"\r\n\r\n") {
            assert_ne!(self.stream.read_buf(&mut bytes).await.unwrap(), 0, "no whole head");
        }
        String::from_utf8(bytes).unwrap().to_ascii_lowercase()
    }

    pub(crate) async fn says(&mut self, bytes: &str) {
        self.stream.write_all(bytes.as_bytes()).await.unwrap();
    }

    /// Waits until the other end hangs up, reading what it still says.
    pub(crate) async fn ends(mut self) {
        let mut rest = Vec::new();
        let _broken = self.stream.read_to_end(&mut rest).await.is_err();
    }

    /// Everything that is said until the other end hangs up.
    pub(crate) async fn hears(mut self) -> Vec<u8> {
        let mut all = Vec::new();
        let _broken = self.stream.read_to_end(&mut all).await.is_err();
        all
    }
}

/// A whole answer that ends its connection.
pub(crate) fn answer(head: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

/// The head of an answer in pieces.
pub(crate) const STREAM: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/// One piece of it.
pub(crate) fn piece(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}
