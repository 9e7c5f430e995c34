//! Cookie sessions as a Tower layer.
//!
//! [`SessionLayer`] gives every request a [`Session`]: a handle to what the server knows of this
//! browser. The cookie holds nothing but a random id; whoever is logged in there is the
//! [`Principal`](auth_core::Principal) of the request's [`Caller`](auth_core::Caller), the same as
//! that of a token.
//!
//! ```
//! use std::{convert::Infallible, sync::Arc};
//!
//! use auth_core::RequireAuth;
//! use auth_revocation_memory::MemoryStore;
//! use auth_session_layer::{Login, Session, SessionLayer};
//! use http::{Request, Response, StatusCode, header};
//! use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = Arc::new(MemoryStore::builder().build()?);
//! let sessions = SessionLayer::builder(store).build()?;
//!
//! // Where a login is made, after the password was checked ...
//! let mut login = ServiceBuilder::new().layer(sessions.clone()).service_fn(
//!     |request: Request<String>| async move {
//!         let session = Session::from_extensions(request.extensions()).expect("the layer is there");
//!         session.login(Login::new("alice").scopes(["orders"])).expect("a valid login");
//!         Ok::<_, Infallible>(Response::new(String::new()))
//!     },
//! );
//! let response = login.ready().await?.call(Request::new(String::new())).await?;
//! let set_cookie = response.headers()[header::SET_COOKIE].to_str()?;
//! let cookie = set_cookie.split(';').next().expect("name and value").to_owned();
//! assert!(cookie.starts_with("__Host-id="));
//!
//! // ... and where one is needed.
//! let mut orders = ServiceBuilder::new()
//!     .layer(sessions)
//!     .layer(RequireAuth::new())
//!     .service_fn(|_: Request<String>| async {
//!         Ok::<_, Infallible>(Response::new("your orders".to_owned()))
//!     });
//! let with_cookie = Request::builder().header(header::COOKIE, cookie).body(String::new())?;
//! let accepted = orders.ready().await?.call(with_cookie).await?;
//! assert_eq!(accepted.status(), StatusCode::OK);
//! let refused = orders.ready().await?.call(Request::new(String::new())).await?;
//! assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
//! # Ok(())
//! # }
//! ```
//!
//! # How it decides
//!
//! 1. With a bearer token in `Authorization` the cookie counts as absent.
//! 2. The cookie has exactly the name that was set, comes once, and holds 46 characters of
//!    canonical base64url. Anything else is no session, and never reaches the store. The same holds
//!    for a [header](SessionTransport::Header), if that is set.
//! 3. Nothing is loaded until somebody asks: a guard, [`Caller::principal`], [`Session::data`].
//! 4. An id that the store does not know, or not any more, is an anonymous caller. It is never
//!    adopted: what is written begins a session with a new id.
//! 5. An id that was replaced or ended within the last 60 s is an anonymous caller, too, but what
//!    is written is refused with 409, and the cookie is left alone: the browser may have another
//!    one by now, and a late request does not undo a login. With an id that was ended,
//!    [`Session::login`] works.
//! 6. If the store can not tell, the caller is unavailable: guards answer 503, nobody answers 401,
//!    and the cookie stays.
//!
//! [`Caller::principal`]: auth_core::Caller::principal
//!
//! # What is saved, and when
//!
//! After the handler and before the head of the response goes out, whatever its status: first a
//! login or a rotation, with all changes of the data in the same step, or else the changes alone.
//! Only fields that changed are sent, and none means no call. What the store refuses is a refusal
//! instead of the handler's response:
//!
//! | what happened | HTTP | gRPC |
//! |---|---|---|
//! | the session ended, or got another id, while the request ran | 409 | 10 |
//! | the subject was revoked after [`Login::since`]; fields contended for too long | 409 | 10 |
//! | too many logins | 403 | 9 |
//! | a login could not be made | 503 | 14 |
//! | anything else could not be saved | 500 | 13 |
//!
//! A [`RejectionHandler`](auth_core::RejectionHandler) makes other responses of them, and is shown
//! the head of the handler's.
//!
//! # What to know before deploying it
//!
//! The cookie is `Secure`: browsers send it over HTTPS only (and to `localhost`, most of them). It
//! is an ambient credential: browsers add it to whatever another site makes them send, as far as
//! `SameSite` lets them. Stack protection against cross-site request forgery outside of this layer,
//! say that of tower-http, so that a forged request does not even load the session:
//!
//! ```
//! # use std::{convert::Infallible, sync::Arc};
//! # use auth_revocation_memory::MemoryStore;
//! # use auth_session_layer::SessionLayer;
//! # use http::{Request, Response, StatusCode};
//! # use tower::{ServiceBuilder, ServiceExt, service_fn};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let store = Arc::new(MemoryStore::builder().build()?);
//! # let handler = service_fn(|_: Request<String>| async {
//! #     Ok::<_, Infallible>(Response::new(String::new()))
//! # });
//! let service = ServiceBuilder::new()
//!     .layer(tower_http::csrf::CsrfLayer::new())
//!     .layer(SessionLayer::builder(store).build()?)
//!     .service(handler);
//!
//! let forged = Request::post("/").header("sec-fetch-site", "cross-site");
//! let response = service.oneshot(forged.body(String::new())?).await?;
//! assert_eq!(response.status(), StatusCode::FORBIDDEN);
//! # Ok(())
//! # }
//! ```
//!
//! It has to allow the origins of one's own other sites, and those that a login comes back from by
//! POST. Where the id is in a [header](SessionTransport::Header) there is no such risk. Stack this layer outside of guards, and outside of layers
//! that drop slow handlers: a handler that was dropped in there is over, and what it had done so
//! far is saved.
//!
//! # Cancel safety
//!
//! A handler that is dropped before its commit has changed nothing, but for what acts when it is awaited: log-outs,
//! endings of logins, and [`Session::save`]. What was dropped in the middle of its step is made whole or not at
//! all, and made once if it is made again.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `axum` | [`Session`] as an extractor, [`SessionError`] as a response |

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "axum")]
mod axum;
mod builder;
mod changes;
mod commit;
mod config;
mod cookie;
mod data;
mod entry;
mod error;
mod future;
mod id;
mod layer;
mod login;
mod logins;
mod logout;
mod plan;
mod policy;
mod request;
mod service;
mod session;
mod shared;
mod state;
mod transport;

pub use builder::SessionLayerBuilder;
pub use cookie::{CookieConfig, OldCookie, SameSite};
pub use data::SessionData;
pub use entry::DataEntry;
pub use error::{ConfigError, ConfigErrorKind, SessionError, SessionErrorKind};
pub use future::ResponseFuture;
pub use layer::SessionLayer;
pub use login::Login;
pub use logins::{ListedLogin, LoginList};
pub use service::SessionManager;
pub use session::Session;
pub use transport::SessionTransport;

#[cfg(feature = "axum")]
pub use crate::axum::MissingSessionLayer;
pub use auth_core::store::{Epoch, Lifetimes, Overflow};
