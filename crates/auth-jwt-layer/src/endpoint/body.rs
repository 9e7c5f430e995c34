//! The body of an answer.

use std::{
    convert::Infallible,
    fmt, mem,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// The body of an answer: whole, in one piece.
///
/// Debug shows its length only: there may be tokens in it.
#[derive(Clone, Default)]
pub struct EndpointBody(Bytes);

impl EndpointBody {
    /// All of it.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl From<Bytes> for EndpointBody {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl From<String> for EndpointBody {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl Body for EndpointBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = mem::take(&mut self.0);
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}

impl fmt::Debug for EndpointBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EndpointBody({} bytes)", self.0.len())
    }
}
