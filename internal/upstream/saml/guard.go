package saml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Bounds on what comes from outside, in bytes.
const (
	maxForm  = 384 << 10 // a posted form: base64 of maxXML, and what else is in it
	maxXML   = 256 << 10 // a message, and the answer to an artifact
	maxQuery = 64 << 10  // the query of a message by HTTP-Redirect
	maxDepth = 32        // of elements: a response needs about ten
)

// Namespaces.
const (
	nsProtocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsMetadata  = "urn:oasis:names:tc:SAML:2.0:metadata"
	nsSignature = "http://www.w3.org/2000/09/xmldsig#"
	nsSOAP      = "http://schemas.xmlsoap.org/soap/envelope/"
)

// outline is what a document consists of, told without believing any of it.
type outline struct {
	root       xml.Name
	assertions int      // plain and encrypted
	encrypted  bool     // one is
	status     []string // of the Response: the codes from the outermost inwards
	message    string   // … and its message
}

var errShape = errors.New("not a shape that is taken")

// look reads a document as a stream before any other parser does, and refuses what no honest message needs and attacks on
// signatures do: declarations, comments, processing instructions, deep nesting, two attributes of one name, two elements of
// one ID, prefixes and namespaces that parsers read in different ways, and an assertion or a signature anywhere but where
// the profile has it.
func look(document []byte, most int) (outline, error) {
	l := looker{ids: map[string]bool{}}
	if len(document) > most {
		return l.found, fmt.Errorf("%w: longer than %d bytes", errShape, most)
	}
	d := xml.NewDecoder(bytes.NewReader(document))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return l.found, fmt.Errorf("%w: %w", errShape, err)
		}
		if err := l.see(token, d.InputOffset()); err != nil {
			return l.found, fmt.Errorf("%w: %w", errShape, err)
		}
	}
	if l.found.root.Local == "" {
		return l.found, fmt.Errorf("%w: no element", errShape)
	}
	return l.found, nil
}

// lookMetadata is the same for metadata, in which comments are common and harmless: what a signature covers is read
// without them.
func lookMetadata(document []byte) (outline, error) {
	l := looker{ids: map[string]bool{}, comments: true}
	d := xml.NewDecoder(bytes.NewReader(document))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return l.found, nil
		}
		if err == nil {
			err = l.see(token, d.InputOffset())
		}
		if err != nil {
			return l.found, fmt.Errorf("%w: %w", errShape, err)
		}
	}
}

type looker struct {
	found    outline
	comments bool
	ids      map[string]bool
	path     []xml.Name
}

func (l *looker) see(token xml.Token, offset int64) error {
	switch t := token.(type) {
	case xml.StartElement:
		return l.open(t)
	case xml.EndElement:
		l.path = l.path[:len(l.path)-1]
	case xml.CharData:
		if len(l.path) == 0 && len(bytes.TrimSpace(t)) > 0 {
			return errors.New("text outside the root element")
		}
		if l.within("Response", "Status", "StatusMessage") {
			l.found.message += string(t)
		}
	case xml.Comment:
		if !l.comments {
			return errors.New("a comment")
		}
	case xml.Directive:
		return errors.New("a document type declaration")
	case xml.ProcInst:
		// An XML declaration, at the very beginning, is read as an instruction.
		if declaration := int64(len("<?xml") + len(t.Inst) + len("?>")); t.Target != "xml" || offset > declaration+1 {
			return errors.New("a processing instruction")
		}
	}
	return nil
}

func (l *looker) open(t xml.StartElement) error {
	if len(l.path) == 0 {
		if l.found.root.Local != "" {
			return errors.New("two root elements")
		}
		l.found.root = t.Name
	}
	if err := l.attributes(t); err != nil {
		return err
	}
	if err := l.place(t); err != nil {
		return err
	}
	l.path = append(l.path, t.Name)
	if len(l.path) > maxDepth {
		return fmt.Errorf("elements more than %d deep", maxDepth)
	}
	return nil
}

func (l *looker) attributes(t xml.StartElement) error {
	if t.Name.Space != "" && !strings.Contains(t.Name.Space, ":") {
		return fmt.Errorf("prefix or namespace %q", t.Name.Space)
	}
	seen := make(map[xml.Name]bool, len(t.Attr))
	for _, a := range t.Attr {
		declares := a.Name.Space == "xmlns" || a.Name == xml.Name{Local: "xmlns"}
		switch {
		case seen[a.Name]:
			return fmt.Errorf("attribute %s twice", a.Name.Local)
		case a.Name.Space == "xmlns" && a.Value == "", declares && a.Value != "" && !strings.Contains(a.Value, ":"):
			return fmt.Errorf("namespace %q", a.Value)
		case a.Name.Space == "xmlns" && strings.HasPrefix(a.Name.Local, "xml"):
			return fmt.Errorf("prefix %q is not for anybody to declare", a.Name.Local)
		case !declares && a.Name.Space != "" && !strings.Contains(a.Name.Space, ":"):
			return fmt.Errorf("prefix or namespace %q", a.Name.Space)
		case declares:
		case strings.EqualFold(a.Name.Local, "ID"):
			if l.ids[a.Value] {
				return fmt.Errorf("identifier %.60q twice", a.Value)
			}
			l.ids[a.Value] = true
		}
		seen[a.Name] = true
	}
	return nil
}

// place refuses what stands where the profile does not have it, whatever its namespace.
func (l *looker) place(t xml.StartElement) error {
	var parent xml.Name
	if len(l.path) > 0 {
		parent = l.path[len(l.path)-1]
	}
	switch t.Name.Local {
	case "Assertion", "EncryptedAssertion":
		l.found.assertions++
		l.found.encrypted = l.found.encrypted || t.Name.Local == "EncryptedAssertion"
		if t.Name.Space != nsAssertion || parent != (xml.Name{Space: nsProtocol, Local: "Response"}) {
			return fmt.Errorf("%s in %s", t.Name.Local, parent.Local)
		}
	case "Response", "ArtifactResponse":
		if t.Name.Space != nsProtocol || parent.Local != "" && parent.Local != "ArtifactResponse" && parent.Space != nsSOAP {
			return fmt.Errorf("%s in %s", t.Name.Local, parent.Local)
		}
	case "Signature":
		switch {
		case parent.Space == nsProtocol && (len(l.path) == 1 || strings.HasSuffix(parent.Local, "Response")):
		case parent == xml.Name{Space: nsAssertion, Local: "Assertion"}, parent.Space == nsMetadata:
		default:
			return fmt.Errorf("a signature in %s", parent.Local)
		}
	case "StatusCode":
		codes := append([]string{"Response", "Status"}, make([]string, len(l.found.status))...)
		for i := range l.found.status {
			codes[2+i] = "StatusCode"
		}
		if l.within(codes...) {
			for _, a := range t.Attr {
				if a.Name == (xml.Name{Local: "Value"}) {
					l.found.status = append(l.found.status, a.Value)
				}
			}
		}
	}
	return nil
}

// within reports whether the elements around have these names, the innermost last, and are of the protocol.
func (l *looker) within(names ...string) bool {
	if len(l.path) < len(names) {
		return false
	}
	for i, n := range l.path[len(l.path)-len(names):] {
		if n.Local != names[i] || n.Space != nsProtocol {
			return false
		}
	}
	return true
}
