// Package ui is the look of the login: templates, texts in Dutch and English, style sheet and script.
//
// Doors hand a page's data (pages.go) and the frame around it (frame.go) to Render, which executes the template into a
// buffer first, so that nobody ever sees half a page. Templates loop and choose; they do not compute. Every sentence has
// a key in texts/, Dutch first; the page design names the keys.
//
// Pages work without script, load nothing from elsewhere and weigh less than 60 kB together with style and script. An
// organisation's colour reaches them as a style sheet of its own (assets.go), because the content security policy
// forbids style attributes. The package decides nothing about signing in and reads no request.
package ui
