package notify

import (
	"context"
	"slices"
	"sync"
)

// Memory keeps mails and text messages instead of sending them: for trying out, and for tests. The newest kept ones are a
// few hundred.
type Memory struct {
	mu       sync.Mutex
	sent     []Mail
	texts    []Text
	fail     error
	failText error
}

// mostKept bounds what is kept, so that a demonstration can run for weeks.
const mostKept = 500

// Send keeps a mail, or fails as Fail says.
func (m *Memory) Send(_ context.Context, msg Mail) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	if m.sent = append(m.sent, msg); len(m.sent) > mostKept {
		m.sent = slices.Delete(m.sent, 0, len(m.sent)-mostKept)
	}
	return nil
}

// Rest is that of a Mailer: nothing is open.
func (m *Memory) Rest() {}

// Sent lists the mails, the oldest first.
func (m *Memory) Sent() []Mail {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.sent)
}

// Fail lets every further mail fail with an error, as if the mail server were away; nil: it is back.
func (m *Memory) Fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

// SendText keeps a text message, or fails as FailTexts says.
func (m *Memory) SendText(_ context.Context, t Text) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failText != nil {
		return m.failText
	}
	if m.texts = append(m.texts, t); len(m.texts) > mostKept {
		m.texts = slices.Delete(m.texts, 0, len(m.texts)-mostKept)
	}
	return nil
}

// Texts lists the text messages, the oldest first.
func (m *Memory) Texts() []Text {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.texts)
}

// FailTexts lets every further text message fail with an error, as if the gateway were away; nil: it is back.
func (m *Memory) FailTexts(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failText = err
}
