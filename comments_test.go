package idp_test

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestPackageComments: every package says what it owns, once.
func TestPackageComments(t *testing.T) {
	comments, packages := map[string]int{}, map[string]bool{}
	each(t, func(path string, file *ast.File, _ *token.FileSet) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		dir := filepath.Dir(path)
		packages[dir] = true
		if file.Doc != nil {
			comments[dir]++
			if n := strings.Count(file.Doc.Text(), "\n"); n < 3 || n > 30 {
				t.Errorf("%s: package comment of %d lines: 3 to 15", path, n)
			}
		}
	})
	for dir := range packages {
		if comments[dir] != 1 {
			t.Errorf("%s has %d package comments: one", dir, comments[dir])
		}
	}
}

// world are the words in package comments that look like names of ours and belong to the world.
var world = strings.Fields(`
	API APIs CPU FAPI HMAC HTTP JSON MiB OAuth OIDC OpenID Connect POST RFC RP-initiated SBOM SDK SHA-256 HMAC-SHA-1 HMAC-SHA-256
	Message-ID SQL URL JWT Argon2id QR SVG PIN Core PKCE SAML SimpleSAMLphp Keycloak Entra
	Go PostgreSQL SQLite OpenTelemetry Chromium AppAuth Spring Dutch English
	YAML Z1 Z15 Foundation Basic Form Post Wheeler USENIX Security
	coreos/go-oidc x/oauth2 x/crypto AVX2 Argon2 KiB math/rand crypto/rand fmt.Errorf UnimplementedServer
	OTEL_ SOURCE_DATE_EPOCH IDP_KILLS IDP_SQLITE_KILLS IDP_PIN_KILLS IDP_REVOKES IDP_CYCLES IDP_ROLLS IDP_LOGINS IDP_RACES IDP_BROWSERS HTML DIR PATH var/postgres`)

var (
	fileName = regexp.MustCompile(`^[\w./-]+$`)
	goName   = regexp.MustCompile(`(?:\b([a-z][a-z0-9]*)\.)?\b([A-Z]\w*(?:-\w+)*)(?:\.([A-Z]\w*))?`)
)

// TestPackageCommentsNameWhatExists: files, folders and Go names in a package comment exist. A capital in the midst of
// a sentence or of a word makes a Go name, unless the world has a word for it.
func TestPackageCommentsNameWhatExists(t *testing.T) {
	names, packages := declared(t)
	each(t, func(path string, file *ast.File, _ *token.FileSet) {
		if file.Doc == nil || strings.HasSuffix(path, "_test.go") {
			return
		}
		dir, text := filepath.Dir(path), file.Doc.Text()
		for _, word := range strings.Fields(text) {
			word = strings.TrimSuffix(strings.Trim(word, "(),:;`"), ".")
			if !isPath(word) || slices.Contains(world, word) {
				continue
			}
			_, below := os.Stat(filepath.Join(dir, word))
			_, root := os.Stat(word)
			if below != nil && root != nil {
				t.Errorf("%s names %s, which does not exist", path, word)
			}
		}
		for _, at := range goName.FindAllStringSubmatchIndex(text, -1) {
			word := func(i int) string {
				if at[2*i] < 0 {
					return ""
				}
				return text[at[2*i]:at[2*i+1]]
			}
			pkg, name, member := word(1), word(2), word(3)
			where := dir
			if pkg != "" {
				where = packages[pkg]
			}
			if slices.Contains(world, word(0)) || word(0) == name && plain(name) && opensSentence(text[:at[0]]) {
				continue
			}
			if !names[where][name] || member != "" && !names[where][member] {
				t.Errorf("%s names %s, which does not exist", path, word(0))
			}
		}
	})
}

// isPath reports whether a word names a file or a folder here: not an address, and not a place in one.
func isPath(word string) bool {
	top, _, below := strings.Cut(word, "/")
	return fileName.MatchString(word) && top != "" && (strings.HasSuffix(word, ".go") || below && !strings.Contains(top[1:], "."))
}

// opensSentence reports whether what follows the text is the first word of a sentence.
func opensSentence(before string) bool {
	trimmed := strings.TrimRight(before, " \n\"`(")
	return trimmed == "" || strings.ContainsRune(".:?!", rune(trimmed[len(trimmed)-1])) || strings.HasSuffix(before, "\n\n")
}

// plain reports whether a word has no capital but its first letter.
func plain(word string) bool { return word[1:] == strings.ToLower(word[1:]) }

// declared are the names that each folder declares, fields and methods among them, and the folder of each package.
func declared(t *testing.T) (names map[string]map[string]bool, folders map[string]string) {
	t.Helper()
	names, folders = map[string]map[string]bool{}, map[string]string{}
	each(t, func(path string, file *ast.File, _ *token.FileSet) {
		dir := filepath.Dir(path)
		if names[dir] == nil {
			names[dir] = map[string]bool{}
		}
		if !strings.HasSuffix(path, "_test.go") {
			folders[file.Name.Name] = dir
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				names[dir][f.Name.Name] = true
				continue
			}
			ast.Inspect(d, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.TypeSpec:
					names[dir][n.Name.Name] = true
				case *ast.ValueSpec:
					for _, id := range n.Names {
						names[dir][id.Name] = true
					}
				case *ast.Field:
					for _, id := range n.Names {
						names[dir][id.Name] = true
					}
				}
				return true
			})
		}
	})
	return names, folders
}

// TestCommentsBeginWithTheirSubject: the comment of a function or a type begins with its name, as go doc readers
// expect, and a function whose only result is a bool reports whether something is so.
func TestCommentsBeginWithTheirSubject(t *testing.T) {
	each(t, func(path string, file *ast.File, set *token.FileSet) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		check := func(doc *ast.CommentGroup, name string, isBool bool) {
			if doc == nil || doc.Text() == "" {
				return
			}
			text := strings.Join(strings.Fields(doc.Text()), " ")
			rest, ok := strings.CutPrefix(text, name)
			if article, _, _ := strings.Cut(text, " "); !ok && (article == "A" || article == "An" || article == "The") {
				rest, ok = strings.CutPrefix(text, article+" "+name) // of a type, as the standard library writes it
			}
			switch {
			case !ok || rest != "" && !strings.ContainsRune(" ,:;'.", rune(rest[0])):
				t.Errorf("%s: the comment of %s begins with another word", set.Position(doc.Pos()), name)
			case isBool && !strings.HasPrefix(rest, " reports whether "):
				t.Errorf("%s: the comment of %s does not say what it reports", set.Position(doc.Pos()), name)
			}
		}
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.Name != "init" {
					check(d.Doc, d.Name.Name, onlyBool(d.Type))
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if spec, ok := spec.(*ast.TypeSpec); ok {
						check(d.Doc, spec.Name.Name, false)
						check(spec.Doc, spec.Name.Name, false)
					}
				}
			}
		}
	})
}

// onlyBool reports whether a function has one result, a bool.
func onlyBool(f *ast.FuncType) bool {
	if f.Results == nil || len(f.Results.List) != 1 || len(f.Results.List[0].Names) > 1 {
		return false
	}
	id, ok := f.Results.List[0].Type.(*ast.Ident)
	return ok && id.Name == "bool"
}
