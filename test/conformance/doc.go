// Package conformance asks a running OpenID provider what the OpenID Foundation's conformance suite asks it: the plans
// Config, Basic, Form Post Basic, RP-initiated and back-channel logout, and FAPI 2.0, module by module, under the
// modules' own names.
//
// A party of FAPI 2.0 is a client of our own (client.go, flow.go): it pushes its request, proves itself and its keys
// with what go-jose signs, and a module spoils a part of that (jwt.go) and looks where it is refused.
//
// It knows a server by its discovery document only, speaks HTTP to it, and reads the configuration file of the official
// suite (config.go), browser commands included: what signs in here signs in there. Each module starts a browser without
// script and with an empty cookie jar (browser.go), and is as strict as the official one, warnings too; what the
// official suite has a person look at, a picture of an error page say, is a page whose text the browser commands
// recognise. Signatures are verified with go-jose, by the keys that the server publishes.
//
// The package refuses to know our code: nothing of this module is imported, so nothing that the server gets wrong can
// be got wrong the same way here. A Suite is told the time and how to wait, so that a server in process with a clock of
// its own is asked at once what a real one is asked after 30 seconds.
//
// A party is a relying party (OAuth client).
package conformance
