// Package login is the door where people prove who they are.
//
// There is no page graph. A journey collects proofs; for every request the dispatcher asks authn.Missing what is still
// wanted and shows the step that meets it (dispatch.go). A step reports what happened and never where to go. Every POST
// answers 303 and ends in one storage call; reloading, going back, two tabs and double clicks land where the person is.
//
// Each way of proving is a folder of its own (login/password) that this package does not know: internal/wire hands it a
// list of Factors. The only steps here are those of the engine itself: choosing which account stays (switch.go) and the
// pages on which a journey stops for now (stop.go).
package login
