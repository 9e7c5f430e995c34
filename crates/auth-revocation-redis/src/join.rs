//! Several futures at once.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
};

/// Runs all of them; gives the first good result and drops the others, or the last bad one. None if
/// there are none.
pub(crate) async fn first_good<T, E, F: Future<Output = Result<T, E>>>(
    futures: impl IntoIterator<Item = F>,
) -> Option<Result<T, E>> {
    let mut futures: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
    let mut last = None;
    poll_fn(|cx| {
        let mut good = None;
        futures.retain_mut(|future| {
            if good.is_some() {
                return true;
            }
            match future.as_mut().poll(cx) {
                Poll::Ready(Ok(output)) => good = Some(Ok(output)),
                Poll::Ready(Err(error)) => last = Some(Err(error)),
                Poll::Pending => return true,
            }
            false
        });
        match good {
            Some(good) => Poll::Ready(Some(good)),
            None if futures.is_empty() => Poll::Ready(last.take()),
            None => Poll::Pending,
        }
    })
    .await
}

/// Runs all of them, sent in their order; gives their results in the same order.
pub(crate) async fn all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
    let mut results: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    poll_fn(|cx| {
        let mut is_done = true;
        for (future, result) in futures.iter_mut().zip(&mut results) {
            if result.is_none() {
                match future.as_mut().poll(cx) {
                    Poll::Ready(output) => *result = Some(output),
                    Poll::Pending => is_done = false,
                }
            }
        }
        if is_done {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    results.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::future::{Ready, pending, ready};

    use super::*;

    type Answer = Pin<Box<dyn Future<Output = Result<u8, u8>>>>;

    #[tokio::test]
    async fn the_first_good_result_or_the_last_bad_one_is_given() {
        let hangs = || Box::pin(pending()) as Answer;
        let says = |answer: Result<u8, u8>| Box::pin(ready(answer)) as Answer;
        let good = first_good([hangs(), says(Err(1)), says(Ok(2)), says(Ok(3))]).await;
        assert_eq!(good, Some(Ok(2)));
        let bad = first_good([says(Err(1)), says(Err(2))]).await;
        assert_eq!(bad, Some(Err(2)));
        let none = first_good(Vec::<Ready<Result<u8, u8>>>::new()).await;
        assert_eq!(none, None);
    }
}
