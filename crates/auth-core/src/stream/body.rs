//! The body that ends with the login.

use std::{
    error::Error,
    fmt,
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{HeaderMap, HeaderValue};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::{LoginEnd, layer::Settings, watch::ended};
use crate::Caller;

/// Begin to watch at the latest when so many frames were given out: a unary gRPC response is one of
/// data and one of trailers, and costs nothing.
const FRAMES_UNWATCHED: u8 = 2;

pin_project! {
    /// A response's body that ends with the login of whoever reads it: made by
    /// [`EndWithLogin`](super::EndWithLogin).
    pub struct EndingBody<B> {
        // None when it has ended.
        #[pin]
        inner: Option<B>,
        state: State,
        is_grpc: bool,
    }
}

enum State {
    /// There is nothing to watch for.
    Off,
    /// Nobody had to wait for the body so far.
    Idle {
        watch: Box<ToWatch>,
        frames: u8,
    },
    Watching(Pin<Box<dyn Future<Output = LoginEnd> + Send>>),
}

struct ToWatch {
    caller: Caller,
    settings: Arc<Settings>,
}

impl<B> EndingBody<B> {
    /// A body that just goes through.
    pub(super) fn unwatched(body: B) -> Self {
        Self {
            inner: Some(body),
            state: State::Off,
            is_grpc: false,
        }
    }

    pub(super) fn watched(body: B, caller: Caller, settings: Arc<Settings>, is_grpc: bool) -> Self {
        let watch = Box::new(ToWatch { caller, settings });
        Self {
            inner: Some(body),
            state: State::Idle { watch, frames: 0 },
            is_grpc,
        }
    }
}

impl State {
    fn begin(&mut self) {
        if let Self::Idle { watch, .. } = mem::replace(self, Self::Off) {
            *self = Self::Watching(Box::pin(async move {
                let ToWatch { caller, settings } = *watch;
                ended(&caller, &*settings.timer, settings.patience).await
            }));
        }
    }
}

impl<B> Body for EndingBody<B>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Data = B::Data;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut this = self.project();
        loop {
            if matches!(this.state, State::Idle { frames, .. } if *frames >= FRAMES_UNWATCHED) {
                this.state.begin();
            }
            if let State::Watching(ended) = this.state
                && let Poll::Ready(end) = ended.as_mut().poll(cx)
            {
                // Whatever it holds is let go of now, not when the client has read the end.
                this.inner.set(None);
                *this.state = State::Off;
                return Poll::Ready(Some(last_frame(end, *this.is_grpc)));
            }
            let Some(inner) = this.inner.as_mut().as_pin_mut() else {
                return Poll::Ready(None);
            };
            let polled = inner.poll_frame(cx);
            match &polled {
                Poll::Pending if matches!(this.state, State::Idle { .. }) => {
                    this.state.begin();
                    continue;
                }
                Poll::Ready(Some(Ok(frame))) if frame.is_data() => {
                    if let State::Idle { frames, .. } = this.state {
                        *frames += 1;
                    }
                }
                Poll::Pending => {}
                // Trailers, an error or the end: nothing comes after it that could be cut off.
                Poll::Ready(_) => *this.state = State::Off,
            }
            return polled.map_err(Into::into);
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let Some(inner) = &self.inner else {
            return SizeHint::with_exact(0);
        };
        let mut hint = inner.size_hint();
        if !matches!(self.state, State::Off) {
            // It may end at any time.
            let upper = hint.upper();
            hint = SizeHint::new();
            if let Some(upper) = upper {
                hint.set_upper(upper);
            }
        }
        hint
    }
}

/// What the reader is told.
fn last_frame<D>(end: LoginEnd, is_grpc: bool) -> Result<Frame<D>, Box<dyn Error + Send + Sync>> {
    if !is_grpc {
        return Err(end.into());
    }
    let mut trailers = HeaderMap::with_capacity(2);
    trailers.insert("grpc-status", u16::from(end.grpc_status()).into());
    // Printable ASCII without `%`: it needs no encoding.
    trailers.insert("grpc-message", HeaderValue::from_static(end.message()));
    Ok(Frame::trailers(trailers))
}

/// An empty body, for layers further out that refuse a request.
impl<B: Default> Default for EndingBody<B> {
    fn default() -> Self {
        Self::unwatched(B::default())
    }
}

/// A body that just goes through, for layers further out that answer a request themselves.
impl<B: From<String>> From<String> for EndingBody<B> {
    fn from(text: String) -> Self {
        Self::unwatched(B::from(text))
    }
}

impl<B> fmt::Debug for EndingBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EndingBody")
    }
}
