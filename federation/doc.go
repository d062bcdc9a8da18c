// Package federation owns how an organisation's own sign-in is a way of signing in here: the connection, what of its
// answers counts, and whose account it is.
//
// A Connection leads to one provider of one organisation (the upstream), by OpenID Connect or SAML. What comes back is
// an Answer, which a protocol has checked and this package has not judged yet. Contract says what its `amr` and `acr`
// count for here, KeyRule which of its values names the person, Mapping what is taken over, Roles what they may be.
// Evaluate puts these together, and Who says what happens then: the linked account signs in, an account is linked or
// made, or nothing happens and a page says why. An UpstreamRequest is what a browser is sent to an upstream with, of
// which nothing is stored until it is over.
//
// Everything here is pure: no network, no clock, no storage. The protocols and the pages are in rooms of their own. The
// package refuses to trust an upstream in more than its contract says, and to know an account by an e-mail address
// alone.
package federation
