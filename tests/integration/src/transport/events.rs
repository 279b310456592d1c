//! Server-sent events, as they are on the wire.

/// The events that are in a body so far.
#[derive(Debug, Default)]
pub(super) struct Events(Vec<u8>);

/// An event.
#[derive(Debug)]
pub(super) struct Event {
    /// `message` where the server says nothing else.
    pub(super) name: String,
    pub(super) data: String,
}

impl Events {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// The next whole event with data; comments are dropped.
    pub(super) fn next(&mut self) -> Option<Event> {
        loop {
            let end = self.0.windows(2).position(|two| two == b"\n\n")?;
            let block: Vec<u8> = self.0.drain(..end + 2).collect();
            let block = String::from_utf8(block).expect("text");
            let field = |name: &str| {
                let values = block.lines().filter_map(|line| line.strip_prefix(name));
                values.map(|value| value.strip_prefix(' ').unwrap_or(value)).collect::<Vec<_>>()
            };
            let data = field("data:").join("\n");
            if data.is_empty() {
                continue;
            }
            let name = field("event:").first().map_or("message", |name| *name).to_owned();
            return Some(Event { name, data });
        }
    }
}
