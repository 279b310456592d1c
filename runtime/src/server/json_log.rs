//! Log lines as JSON, one object a line.

use std::fmt;

use serde_json::{Map, Value};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::Record,
};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    registry::{LookupSpan, Scope},
};

use crate::support::escape::{MAX_LOGGED_CHARS, escape_to};

/// The name of the field that is the message.
const MESSAGE: &str = "message";

/// The format of an event: when, how severe, where, the message, its fields, and the spans around it with
/// theirs, the outermost first.
///
/// Texts are escaped as in the other format, and bounded.
pub(super) struct JsonEvent;

/// The format of the fields of a span: members of an object, without its braces.
pub(super) struct JsonFields;

impl<S, N> FormatEvent<S, N> for JsonEvent
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let mut members = Members::default();
        event.record(&mut members);
        let message = members.0.remove(MESSAGE).unwrap_or_default();
        let metadata = event.metadata();
        write!(
            writer,
            r#"{{"timestamp":{},"level":"{}","target":{},"message":{message}"#,
            Value::from(time),
            metadata.level(),
            Value::from(metadata.target()),
        )?;
        if !members.0.is_empty() {
            write!(writer, r#","fields":{}"#, Value::Object(members.0))?;
        }
        let mut separator = r#","spans":["#;
        for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
            write!(writer, r#"{separator}{{"name":{}"#, Value::from(span.name()))?;
            let extensions = span.extensions();
            if let Some(fields) = extensions.get::<FormattedFields<N>>()
                && !fields.fields.is_empty()
            {
                write!(writer, ",{}", fields.fields)?;
            }
            writer.write_char('}')?;
            separator = ",";
        }
        writer.write_str(if separator == "," { "]}\n" } else { "}\n" })
    }
}

impl<'writer> FormatFields<'writer> for JsonFields {
    fn format_fields<R: RecordFields>(
        &self,
        mut writer: Writer<'writer>,
        fields: R,
    ) -> fmt::Result {
        let mut members = Members::default();
        fields.record(&mut members);
        for (at, (name, value)) in members.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { "," };
            write!(writer, "{separator}{}:{value}", Value::from(name.as_str()))?;
        }
        Ok(())
    }

    fn add_fields(
        &self,
        current: &'writer mut FormattedFields<Self>,
        fields: &Record<'_>,
    ) -> fmt::Result {
        if !current.fields.is_empty() && !fields.is_empty() {
            current.fields.push(',');
        }
        self.format_fields(current.as_writer(), fields)
    }
}

/// The fields of an event or a span.
#[derive(Default)]
struct Members(Map<String, Value>);

impl Members {
    fn insert(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Members {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field, escape_to(value, MAX_LOGGED_CHARS).into_owned());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use tracing_subscriber::prelude::*;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_one_object_whatever_a_stranger_sends() {
        let written = Written::default();
        let writer = written.clone();
        let layer = tracing_subscriber::fmt::layer()
            .fmt_fields(JsonFields)
            .event_format(JsonEvent)
            .with_writer(move || writer.clone());
        let subscriber = tracing_subscriber::registry().with(layer);
        let hostile = "a\"}\n{\"level\":\"ERROR\u{1b}[2J\u{202e}\u{9b}";
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("tool", tool = "add", late = tracing::field::Empty);
            let _entered = span.enter();
            span.record("late", hostile);
            tracing::warn!(target: "toolgate::test", number = 7, ok = true, name = hostile, "said {hostile}");
            tracing::info!("plain");
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{9b}']), "{text:?}");
        assert_eq!(
            (&lines[0]["level"], &lines[0]["fields"]["number"]),
            (&"WARN".into(), &7.into())
        );
        assert_eq!(lines[0]["spans"][0]["tool"], "add");
        assert!(lines[0]["spans"][0]["late"].as_str().unwrap().contains("ERROR"));
        assert!(lines[0]["timestamp"].as_str().unwrap().ends_with('Z'));
        assert_eq!(lines[1]["message"], "plain");
    }
}
