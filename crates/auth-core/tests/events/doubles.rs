//! A sink that listens, a recorder that counts, and a subscriber that keeps records.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex},
};

use auth_core::{Event, EventSink};
use metrics::{Counter, CounterFn, Gauge, Histogram, Key, KeyName, Metadata, Recorder, Unit};
use tracing::{
    Level, Subscriber,
    field::{Field, Visit},
    span,
};

/// What was told.
#[derive(Default)]
pub(crate) struct Heard(Arc<Mutex<Vec<Event>>>);

impl Heard {
    pub(crate) fn sink(&self) -> impl EventSink + use<> {
        let heard = Arc::clone(&self.0);
        // An `Arc` of a sink is one, and a pair is: here the second is deaf.
        let sink: Arc<dyn EventSink> =
            Arc::new(move |event: &Event| heard.lock().unwrap().push(event.clone()));
        (sink, |_: &Event| {})
    }

    pub(crate) fn take(&self) -> Vec<Event> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// Counts by name and labels.
#[derive(Default)]
pub(crate) struct Counts(pub(crate) Arc<Mutex<BTreeMap<String, u64>>>);

struct Count(String, Arc<Mutex<BTreeMap<String, u64>>>);

impl CounterFn for Count {
    fn increment(&self, value: u64) {
        *self.1.lock().unwrap().entry(self.0.clone()).or_default() += value;
    }

    fn absolute(&self, _: u64) {
        unreachable!("events are counted one by one")
    }
}

impl Recorder for Counts {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: metrics::SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: metrics::SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: metrics::SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let labels: Vec<String> = key
            .labels()
            .map(|label| format!("{}={}", label.key(), label.value()))
            .collect();
        let name = format!("{}{{{}}}", key.name(), labels.join(","));
        Counter::from_arc(Arc::new(Count(name, Arc::clone(&self.0))))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        unreachable!("events are counted")
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        unreachable!("events are counted")
    }
}

/// Keeps records, with their fields sorted.
#[derive(Clone, Default)]
pub(crate) struct Records(pub(crate) Arc<Mutex<Vec<(Level, String)>>>);

#[derive(Default)]
struct Fields(BTreeMap<String, String>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}

impl Subscriber for Records {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        assert_eq!(event.metadata().target(), "auth");
        let mut fields = Fields::default();
        event.record(&mut fields);
        let text: Vec<String> = fields.0.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let record = (*event.metadata().level(), text.join(" "));
        self.0.lock().unwrap().push(record);
    }

    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}
