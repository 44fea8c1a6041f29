//! The W3C trace context (`traceparent`, `tracestate`) in and out of HTTP headers and records.

use http::{HeaderMap, HeaderName, HeaderValue};
pub use opentelemetry::Context;
use opentelemetry::{
    propagation::{Extractor, Injector, TextMapPropagator as _},
    trace::TraceContextExt as _,
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The longest header value that is taken from a peer, in bytes (W3C asks for at least 512).
const MAX_HEADER_BYTES: usize = 1024;

struct Reader<'a>(&'a HeaderMap);

impl Extractor for Reader<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let value = self.0.get(key)?;
        if value.len() > MAX_HEADER_BYTES { None } else { value.to_str().ok() }
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

struct Writer<'a>(&'a mut HeaderMap);

impl Injector for Writer<'_> {
    fn set(&mut self, key: &str, value: String) {
        if value.is_empty() {
            return;
        }
        if let (Ok(name), Ok(value)) = (key.parse::<HeaderName>(), HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}

/// One `traceparent` value on its own, without a `tracestate`.
struct Parent<'a>(&'a str);

impl Extractor for Parent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == "traceparent" && self.0.len() <= MAX_HEADER_BYTES).then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}

/// The current span's context, or the one that is attached where no span is.
fn current() -> Context {
    let of_span = Span::current().context();
    if of_span.span().span_context().is_valid() { of_span } else { Context::current() }
}

/// Writes the current trace context into `headers`; writes nothing when there is none.
pub fn inject(headers: &mut HeaderMap) {
    TraceContextPropagator::new().inject_context(&current(), &mut Writer(headers));
}

/// Reads the caller's trace context; an empty one when the headers hold none that is valid.
#[must_use]
pub fn extract(headers: &HeaderMap) -> Context {
    TraceContextPropagator::new().extract_with_context(&Context::new(), &Reader(headers))
}

/// The current trace context as one text, to be stored with work that is resumed later.
#[must_use]
pub fn current_traceparent() -> Option<String> {
    let context = current();
    let span = context.span();
    let span = span.span_context();
    span.is_valid().then(|| {
        let sampled = u8::from(span.trace_flags().is_sampled());
        format!("00-{}-{}-{sampled:02x}", span.trace_id(), span.span_id())
    })
}

/// Makes `span` a child of a stored `traceparent`, before the span is entered for the first time.
///
/// An invalid text changes nothing. A field `trace_id` that the span declared (as
/// `tracing::field::Empty`) is recorded.
pub fn set_parent(span: &Span, traceparent: &str) {
    let parent =
        TraceContextPropagator::new().extract_with_context(&Context::new(), &Parent(traceparent));
    set_parent_context(span, parent);
}

/// Makes `span` a child of an [`extract`]ed context; without one, the span starts its own trace.
pub fn set_parent_context(span: &Span, parent: Context) {
    if parent.span().span_context().is_valid() {
        // Fails only without an initialised subscriber, and then there is no trace to keep.
        let _ = span.set_parent(parent);
    }
}

/// The trace id of `span` in lower-case hex, once [`init`](crate::init) has run.
#[must_use]
pub fn trace_id(span: &Span) -> Option<String> {
    let context = span.context();
    let span = context.span();
    let span = span.span_context();
    span.is_valid().then(|| span.trace_id().to_string())
}
