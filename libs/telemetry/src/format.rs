//! Log lines: the stock text and JSON forms, with the trace id (and in JSON the service) added.

use std::fmt;

use opentelemetry::{Context, trace::TraceContextExt as _};
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{Format, Full, Json, Writer},
    },
    registry::LookupSpan,
};

/// The text form, with ` trace_id=…` at the end of lines inside a trace.
pub(crate) struct TextLines(Format<Full>);

impl TextLines {
    pub(crate) fn new() -> Self {
        Self(Format::default().with_ansi(false))
    }
}

/// The JSON form, with `service` and, inside a trace, `trace_id` as first members.
pub(crate) struct JsonLines {
    inner: Format<Json>,
    service: String,
}

impl JsonLines {
    pub(crate) fn new(service: &str) -> Self {
        // The name goes into JSON text: keep to characters that need no escape there.
        let plain = |c: &char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
        Self {
            inner: Format::default().json().flatten_event(true).with_span_list(false),
            service: service.chars().filter(plain).collect(),
        }
    }
}

fn trace_id() -> Option<String> {
    Context::map_current(|context| {
        let span = context.span();
        let span = span.span_context();
        span.is_valid().then(|| span.trace_id().to_string())
    })
}

impl<S, N> FormatEvent<S, N> for TextLines
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
        let Some(trace_id) = trace_id() else {
            return self.0.format_event(context, writer, event);
        };
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        writeln!(writer, "{} trace_id={trace_id}", line.trim_end_matches('\n'))
    }
}

impl<S, N> FormatEvent<S, N> for JsonLines
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
        let mut line = String::new();
        self.inner.format_event(context, Writer::new(&mut line), event)?;
        let rest = line.strip_prefix('{').unwrap_or(&line);
        write!(writer, "{{\"service\":\"{}\",", self.service)?;
        if let Some(trace_id) = trace_id() {
            write!(writer, "\"trace_id\":\"{trace_id}\",")?;
        }
        writer.write_str(rest)
    }
}
