// Package ui is what people see: templates, texts in Dutch and English, style sheet and script of every page, and the
// texts of mails and text messages.
//
// A Renderer is made of parts (renderer.go): the pages and texts of this package, and those that a folder of its own
// has, such as a factor's. A part brings its templates, its texts, states of its pages for tests, and the messages that
// it sends; internal/wire lists them.
//
// Doors hand a page's data (pages.go) and the frame around it (frame.go) to Render, which executes the template into a
// buffer first, so that nobody ever sees half a page. Templates loop and choose; they do not compute. Every sentence
// has a key in texts/ in both languages, named after its page; a test refuses a key that is missing, that nothing uses,
// or that two parts have.
//
// Pages work without script, load nothing from elsewhere and weigh less than 60 kB together with style and script. An
// organisation's colour reaches them as a style sheet of its own (assets.go), because the content security policy
// forbids style attributes. The package decides nothing about signing in and reads no request: which text is shown,
// the door says by its key.
package ui
