//! Tasks that begin together.

use std::{
    future::{Future, poll_fn},
    sync::{Arc, Mutex, PoisonError},
    task::{Poll, Waker},
};

use super::{BoxFuture, world::World};

impl World {
    /// Runs the tasks at the same time, from one start; gives what they gave, in their order.
    pub(super) async fn in_parallel<T, F>(&self, tasks: impl IntoIterator<Item = F>) -> Vec<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let tasks: Vec<F> = tasks.into_iter().collect();
        let start = Arc::new(Start::new(tasks.len()));
        let results: Vec<Slot<T>> = tasks.iter().map(|_| Slot::default()).collect();
        let tasks = tasks.into_iter().zip(&results).map(|(task, slot)| {
            let (start, slot) = (Arc::clone(&start), Arc::clone(slot));
            let run = async move {
                start.wait().await;
                let result = task.await;
                *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
            };
            Box::pin(run) as BoxFuture
        });
        self.harness.in_parallel(tasks.collect()).await;
        let take = |slot: Slot<T>| slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        results
            .into_iter()
            .map(|slot| take(slot).expect("the harness ran every task to its end"))
            .collect()
    }
}

type Slot<T> = Arc<Mutex<Option<T>>>;

/// A barrier that knows no runtime.
struct Start(Mutex<Waiting>);

struct Waiting {
    missing: usize,
    wakers: Vec<Waker>,
}

impl Start {
    fn new(tasks: usize) -> Self {
        Self(Mutex::new(Waiting {
            missing: tasks,
            wakers: Vec::new(),
        }))
    }

    async fn wait(&self) {
        let mut has_arrived = false;
        poll_fn(|cx| {
            let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if !has_arrived {
                has_arrived = true;
                waiting.missing -= 1;
                if waiting.missing == 0 {
                    waiting.wakers.drain(..).for_each(Waker::wake);
                }
            }
            if waiting.missing == 0 {
                return Poll::Ready(());
            }
            waiting.wakers.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}
