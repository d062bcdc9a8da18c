// Package phone is the reference client of the mobile app: the part of the app that speaks to the provider, without a
// screen. It holds to the description of the protocol, docs/app.md, and imports nothing else of this repository, so
// that an app developer can read it beside that page and write the same in another language.
//
// An App is what was built into the app: its identifier and the issuers it may speak to. A Device is one installation
// for one account at one issuer. Somebody gets in by a browser (Device.SignIn) or by a code on the screen of another
// computer (App.Scan); both end in Device.SetPIN. From then on each start is Device.EnterPIN.
//
// At rest there are the device key and the PIN secret, in the Store that the caller gives; tokens are in memory alone.
// The package refuses to read the PIN secret: the Store computes with it. It writes no log.
package phone
