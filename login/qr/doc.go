// Package qr is the settings page on which somebody who is signed in shows a QR code, scans it with the mobile app on a
// phone, and types the number that the phone shows (docs/app.md, grant.Handoff).
//
// The number is on the phone alone: no page, answer to a script, log or event here has it. A handoff belongs to the
// session in which it was made; to any other it does not exist. A page says how things stand and every form answers
// 303, so that reloading and a second tab are harmless; the script only reloads the page when something has happened.
package qr
