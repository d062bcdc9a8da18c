// Package web is the plumbing that every door shares: who is calling, a reference number per request, security headers,
// cookies, limits, and one line in the log for each answer.
//
// A request passes through Wrap first: it gets its reference, its true network address (trusted proxies only), the
// default headers and a bounded body; a panic becomes a logged 500. Security is a default here, not a call: a handler
// can only loosen what it names. The package knows of a platform its identifier only, which names its cookies, and
// nothing of pages or the protocol.
package web
