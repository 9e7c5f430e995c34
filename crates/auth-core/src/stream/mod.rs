//! Streams that end with the login of whoever reads them: Server-Sent Events, gRPC streams, long
//! downloads, and by hand, WebSockets.
//!
//! A layer or a guard looks at a credential once, when the request comes. What goes on for longer
//! has to look again: [`EndWithLogin`] does so for the bodies of responses, and
//! [`Caller::ended`](crate::Caller::ended) is the future behind it, for everything else.
//!
//! # When a stream ends
//!
//! 1. When the login is revoked. The store tells what is revoked in this process, and so do stores
//!    that hear of it from other processes. Whatever the store is, it is asked again every
//!    [5 seconds](ASK_EVERY): so long a revocation by another process may take to get here.
//! 2. When it expires: a token at its `exp`, whether or not the client has got a newer one since. A
//!    session that other requests use goes on; one that got another id does not.
//! 3. When the store can not tell for [30 seconds](KEEP_UNVOUCHED) on end. For as long as that, what
//!    was good stays so, unlike a request that begins meanwhile.
//!
//! # How a stream ends
//!
//! | request | the response's body |
//! |---|---|
//! | gRPC | ends with the trailers `grpc-status: 16` (in the third case 14) and `grpc-message` |
//! | HTTP, gRPC-Web | breaks off with an error: a reset stream in HTTP/2, in HTTP/1.1 a chunked body without its end. A body that ended as it should would be taken for all there is |
//!
//! No data is given out after the end was learnt of, however slowly the client reads.

mod body;
mod end;
mod layer;
mod service;
mod watch;

pub use body::EndingBody;
pub use end::LoginEnd;
pub use layer::{ASK_EVERY, EndWithLogin, KEEP_UNVOUCHED};
pub use service::{EndsWithLogin, ResponseFuture};
