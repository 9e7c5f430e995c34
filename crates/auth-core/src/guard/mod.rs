//! Guards: layers that refuse a request before its handler sees it.
//!
//! 1. The [`Caller`](crate::Caller) is resolved; this is where a session is loaded.
//! 2. If the store can not tell: 503, gRPC 14.
//! 3. If nobody was identified: 401, gRPC 16. A guard without any auth layer around it refuses
//!    everybody.
//! 4. If the principal falls short of what the guard asks: 401 or 403 by the response table.
//! 5. The [`Principal`](crate::Principal) is put into the request's extensions and the inner
//!    service is called: the one that was ready.

mod future;
mod login_page;
mod require_auth;
mod require_fresh;
mod require_scope;
mod service;

pub use future::ResponseFuture;
pub use login_page::local_path;
pub use require_auth::RequireAuth;
pub use require_fresh::RequireFresh;
pub use require_scope::RequireScope;
pub use service::Guard;
