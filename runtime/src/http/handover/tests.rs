use std::{net::Ipv4Addr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
    time::timeout,
};

use super::*;
use crate::{http::listen, server::Server};

const LIMIT: Duration = Duration::from_secs(60);

/// A program with one of the copies of a listener.
struct Program {
    accepting: watch::Sender<Accepting>,
    handover: Arc<Handover>,
    ended: JoinHandle<()>,
}

impl Program {
    async fn start(name: &str, listener: &std::net::TcpListener, accepting: Accepting) -> Self {
        let listener = TcpListener::from_std(listener.try_clone().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server::new(name, "1").default_public_url(format!("http://{address}/"));
        let service = server.erase().0.build_for(None).await.unwrap().service();
        let (accepting, receiver) = watch::channel(accepting);
        let handover = Handover::new(receiver);
        let passed = Some(Arc::clone(&handover));
        let ended = tokio::spawn(listen(listener, service, passed, (Arc::default(), LIMIT)));
        Self { accepting, handover, ended }
    }

    async fn ends(self) {
        timeout(LIMIT, self.ended).await.expect("it ends").unwrap();
    }
}

fn listener() -> std::net::TcpListener {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    listener
}

/// A client that keeps its connection open.
struct Client(TcpStream);

impl Client {
    async fn connect(listener: &std::net::TcpListener) -> Self {
        Self(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap())
    }

    async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    async fn ask(&mut self) {
        self.send("GET / HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/html\r\n\r\n").await;
    }

    /// Which program answered, and whether it closes the connection.
    async fn answer(&mut self) -> (&'static str, bool) {
        let mut read = Vec::new();
        let (head, length) = loop {
            let mut byte = [0];
            timeout(LIMIT, self.0.read_exact(&mut byte)).await.expect("an answer").unwrap();
            read.push(byte[0]);
            if read.ends_with(b"\r\n\r\n") {
                let head = String::from_utf8(read).unwrap().to_ascii_lowercase();
                let length = head.split("content-length: ").nth(1).expect(&head);
                let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
                break (head, length);
            }
        };
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.unwrap();
        let body = String::from_utf8(body).unwrap();
        let name = ["the-old", "the-new"].into_iter().find(|name| body.contains(name));
        (name.unwrap_or_else(|| panic!("{head}{body}")), head.contains("connection: close"))
    }

    async fn is_closed(&mut self) {
        assert_eq!(timeout(LIMIT, self.0.read(&mut [0])).await.expect("it closes").unwrap(), 0);
    }
}

/// Each step waits for what it needs, and none for time.
#[tokio::test]
async fn requests_of_open_connections_go_to_the_program_that_takes_over() {
    let listener = listener();
    let old = Program::start("the-old", &listener, Accepting::Open).await;
    let new = Program::start("the-new", &listener, Accepting::Paused).await;
    let (mut idle, mut busy, mut fresh) = (
        Client::connect(&listener).await,
        Client::connect(&listener).await,
        Client::connect(&listener).await,
    );
    for client in [&mut idle, &mut busy] {
        client.ask().await;
        assert_eq!(client.answer().await, ("the-old", false));
    }
    // The second request is under way: its head has arrived, and its body has not.
    busy.send("POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\nexpect: 100-continue\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\ncontent-length: 2\r\n\r\n").await;
    let mut line = [0; 25];
    timeout(LIMIT, busy.0.read_exact(&mut line)).await.expect("the body is read").unwrap();
    assert_eq!(&line, b"HTTP/1.1 100 Continue\r\n\r\n");

    old.accepting.send_replace(Accepting::Paused);
    idle.ask().await;
    fresh.ask().await;
    let mut later = Client::connect(&listener).await;
    later.ask().await;
    {
        let mut settled = std::pin::pin!(old.handover.settled());
        let unsettled = timeout(Duration::from_millis(20), settled.as_mut()).await.is_err();
        assert!(unsettled, "a request is under way");
        busy.send("{}").await;
        timeout(LIMIT, settled).await.expect("all requests are answered");
    }
    new.accepting.send_replace(Accepting::Open);
    assert_eq!(idle.answer().await, ("the-new", true));
    assert_eq!(fresh.answer().await.0, "the-new");
    assert_eq!(later.answer().await, ("the-new", false));
    idle.is_closed().await;

    old.accepting.send_replace(Accepting::Leaving);
    drop((busy, fresh));
    old.ends().await;
    later.ask().await;
    assert_eq!(later.answer().await, ("the-new", false), "its connections stay open");
}

#[tokio::test]
async fn a_program_whose_successor_fails_serves_on() {
    let listener = listener();
    let old = Program::start("the-old", &listener, Accepting::Open).await;
    let mut client = Client::connect(&listener).await;
    client.ask().await;
    client.answer().await;
    old.accepting.send_replace(Accepting::Paused);
    client.ask().await;
    let mut later = Client::connect(&listener).await;
    later.ask().await;
    old.accepting.send_replace(Accepting::Open);
    assert_eq!(client.answer().await.0, "the-old");
    assert_eq!(later.answer().await, ("the-old", false));
}

#[tokio::test]
async fn an_idle_connection_of_a_program_that_leaves_is_not_closed_before_its_time() {
    let listener = listener();
    let old = Program::start("the-old", &listener, Accepting::Open).await;
    let mut idle = Client::connect(&listener).await;
    idle.ask().await;
    idle.answer().await;
    let new = Program::start("the-new", &listener, Accepting::Paused).await;
    old.accepting.send_replace(Accepting::Leaving);
    let silent = timeout(Duration::from_millis(50), idle.0.read(&mut [0])).await;
    assert!(silent.is_err(), "it is open");
    idle.ask().await;
    new.accepting.send_replace(Accepting::Open);
    assert_eq!(idle.answer().await, ("the-new", true));
    old.ends().await;
}

/// HTTP/2 says at which request a connection ends.
#[tokio::test]
async fn connections_of_http2_end_with_notice() {
    let listener = listener();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let old = Program::start("the-old", &listener, Accepting::Open).await;
    let new = Program::start("the-new", &listener, Accepting::Paused).await;
    let client = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let ask = || async {
        let sent = client.get(&url).header("accept", "text/html").send().await.unwrap();
        let text = sent.text().await.unwrap();
        ["the-old", "the-new"].into_iter().find(|name| text.contains(name)).expect("a name")
    };
    assert_eq!(ask().await, "the-old");
    old.accepting.send_replace(Accepting::Paused);
    let relayed = ask();
    let answers = async {
        new.accepting.send_replace(Accepting::Open);
        relayed.await
    };
    assert_eq!(timeout(LIMIT, answers).await.expect("an answer"), "the-new");
    old.accepting.send_replace(Accepting::Leaving);
    assert_eq!(ask().await, "the-new");
    old.ends().await;
}
