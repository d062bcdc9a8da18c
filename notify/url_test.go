package notify_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/notify"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// pretendPost is a kind of message to a URL. Its row and its sender are all that it needs.
const pretendPost outbox.Kind = "url_pretend"

func init() { outbox.Kinds[pretendPost] = outbox.Spec{Recipient: outbox.URL, Life: 20 * time.Minute} }

// pretendSender keeps what it would post.
type pretendSender struct {
	mu     sync.Mutex // guards what follows
	posted []string
	fail   error
	during func(context.Context) error // while a message is in hand; nil: nothing happens
}

func (s *pretendSender) Send(ctx context.Context, p *platform.Platform, m outbox.Message, c outbox.Contents) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.during != nil {
		if err := s.during(ctx); err != nil {
			return err
		}
	}
	if s.fail == nil {
		s.posted = append(s.posted, fmt.Sprintf("%s of %s to %s: %s", m.ID, p.ID, c.To, c.Body))
	}
	return s.fail
}

func (*pretendSender) Rest() {}

// posting is another house on the same database, with a sender to URLs.
func posting(t *testing.T, s *idptest.Server, sender notify.Sender) *wire.House {
	t.Helper()
	return s.Another(func(o *wire.Options) { o.Senders = map[outbox.Recipient]notify.Sender{outbox.URL: sender} })
}

// notifyURL queues a message to a URL.
func notifyURL(t *testing.T, s *idptest.Server) outbox.Message {
	t.Helper()
	m := outbox.Draft{
		Kind: pretendPost, Platform: "linde", Now: s.Clock.Now(),
		Contents: outbox.Contents{To: "https://party.test/hook", Body: "token=1"},
	}.Seal(s.Sealer.Seal)
	save(t, s, m)
	return m
}

func posted(m outbox.Message) string { return m.ID + " of linde to https://party.test/hook: token=1" }

func TestMessageToURLIsSent(t *testing.T) {
	each(t, func(t *testing.T, s *idptest.Server) {
		m, sender := notifyURL(t, s), &pretendSender{}
		deliver(t, s) // nobody of this house knows what it is
		wantEnd(t, s, m.ID, "", "no such kind")
		s.Clock.Later(10 * time.Second)
		deliver(t, posting(t, s, sender))
		wantEnd(t, s, m.ID, outbox.Sent, "")
		if want := []string{posted(m)}; !slices.Equal(sender.posted, want) {
			t.Errorf("got %q, want %q", sender.posted, want)
		}
	})
}

func TestMessageToURLIsTriedAgainUntilItExpires(t *testing.T) {
	each(t, func(t *testing.T, s *idptest.Server) {
		sender := &pretendSender{fail: errors.New("500")}
		house, begun, long := posting(t, s, sender), s.Clock.Now(), notifyURL(t, s)
		var tried []int // seconds
		for range 125 {
			before := ended(t, s, long.ID).Tries
			deliver(t, house)
			if after := ended(t, s, long.ID); after.Tries > before && after.Outcome == "" {
				tried = append(tried, int(s.Clock.Now().Sub(begun)/time.Second))
			}
			s.Clock.Later(10 * time.Second)
		}
		if want := []int{0, 10, 40, 100, 220, 520, 1120}; !slices.Equal(tried, want) {
			t.Errorf("tried after %v seconds, want %v", tried, want)
		}
		wantEnd(t, s, long.ID, outbox.GaveUp, "error")
		again := notifyURL(t, s)
		deliver(t, house)
		sender.fail = nil
		s.Clock.Later(10 * time.Second)
		deliver(t, house)
		wantEnd(t, s, again.ID, outbox.Sent, "")
		if want := []string{posted(again)}; !slices.Equal(sender.posted, want) {
			t.Errorf("got %q, want %q", sender.posted, want)
		}
	})
}

func TestNodeThatStopsFinishesThePostInHandAndGivesBackTheRest(t *testing.T) {
	each(t, func(t *testing.T, s *idptest.Server) {
		all := []outbox.Message{notifyURL(t, s), notifyURL(t, s), notifyURL(t, s)}
		ctx, stop := context.WithCancel(t.Context())
		stopping, other := &pretendSender{during: func(ctx context.Context) error { stop(); return ctx.Err() }}, &pretendSender{}
		if err := posting(t, s, stopping).Deliver(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if len(stopping.posted) != 1 {
			t.Errorf("the node that stopped posted %q, want the one in hand", stopping.posted)
		}
		deliver(t, posting(t, s, other)) // at the same moment
		wantPosted(t, all, stopping, other)
	})
}

func TestTwoNodesPostNothingTwice(t *testing.T) {
	each(t, func(t *testing.T, s *idptest.Server) {
		var all []outbox.Message
		for range 40 {
			all = append(all, notifyURL(t, s))
		}
		senders := []*pretendSender{{}, {}}
		var together sync.WaitGroup
		for _, sender := range senders {
			house := posting(t, s, sender)
			together.Go(func() {
				for range 4 { // whoever came second to the same rows finds the others at the next look
					if err := house.Deliver(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		together.Wait()
		deliver(t, posting(t, s, senders[0]))
		wantPosted(t, all, senders...)
	})
}

// wantPosted demands that each message was posted once, by whichever sender.
func wantPosted(t *testing.T, all []outbox.Message, by ...*pretendSender) {
	t.Helper()
	var got, want []string
	for _, sender := range by {
		got = append(got, sender.posted...)
	}
	for _, m := range all {
		want = append(want, posted(m))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("posted %d\n%q\nwant %d\n%q", len(got), got, len(want), want)
	}
}

// A slow party holds up no code by text message: each sort of recipient has a delivery of its own.
func TestSlowPartyHoldsUpNoText(t *testing.T) {
	each(t, func(t *testing.T, s *idptest.Server) {
		busy, release := make(chan struct{}), make(chan struct{})
		house := posting(t, s, &pretendSender{during: func(context.Context) error { close(busy); <-release; return nil }})
		notifyURL(t, s)
		ctx, stop := context.WithCancel(t.Context())
		over := make(chan struct{})
		go func() { house.Run(ctx); close(over) }()
		<-busy
		code(t, s)
		for end := time.Now().Add(10 * time.Second); len(s.Mails.Texts()) == 0; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Error("no text message while a party takes its time")
				break
			}
		}
		close(release)
		stop()
		<-over
	})
}

// The pretend message touches this file alone. A real one touches its row in outbox, its sender here and the place in
// internal/wire where senders are joined to the worker: nothing else tells one sort of recipient from another, as that of
// text messages shows, which beside it a command counts.
func TestFilesThatAMessageToURLTouches(t *testing.T) {
	files, folders := map[string][]string{}, map[string][]string{}
	eachFile(t, func(path string, file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			word := ""
			switch n := n.(type) {
			case *ast.Ident:
				word = n.Name
			case *ast.BasicLit:
				word = n.Value
			case *ast.SelectorExpr:
				if from, ok := n.X.(*ast.Ident); ok && from.Name == "outbox" {
					word = "outbox." + n.Sel.Name
				}
			}
			if !slices.Contains(files[word], path) {
				files[word] = append(files[word], path)
			}
			if dir := filepath.Dir(path); !strings.HasSuffix(path, "_test.go") && !slices.Contains(folders[word], dir) {
				folders[word] = append(folders[word], dir)
			}
			return true
		})
	})
	for _, word := range []string{"pretendPost", "pretendSender", `"url_pretend"`} {
		if want := []string{"notify/url_test.go"}; !slices.Equal(files[word], want) {
			t.Errorf("%s is in %q, want %q", word, files[word], want)
		}
	}
	for word, want := range map[string][]string{
		"outbox.SMS": {"cmd/idp", "internal/preview", "internal/wire", "login/admin", "login/sms", "notify", "storage"}, // who sends or shows some, and their sender
		"outbox.URL": {"internal/wire", "notify", "storage"},
	} {
		got := slices.DeleteFunc(folders[word], func(dir string) bool { return dir == "storage/storagetest" })
		if !slices.Equal(got, want) {
			t.Errorf("%s is in %q, want %q", word, got, want)
		}
	}
}

// eachFile parses every Go file of the module.
func eachFile(t *testing.T, visit func(path string, file *ast.File)) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "var" || d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && path != "..") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		visit(strings.TrimPrefix(filepath.ToSlash(path), "../"), file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
