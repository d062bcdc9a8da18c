package idp_test

import (
	"os"
	"regexp"
	"slices"
	"testing"
)

var roomLine = regexp.MustCompile("(?m)^\\| `([a-z0-9/]+)` \\| .+ \\|$")

// TestEveryRoomIsInTheHouse: docs/house.md has one line for each package, and names none that is gone.
func TestEveryRoomIsInTheHouse(t *testing.T) {
	page, err := os.ReadFile("docs/house.md")
	if err != nil {
		t.Fatal(err)
	}
	var rooms []string
	for _, m := range roomLine.FindAllStringSubmatch(string(page), -1) {
		if slices.Contains(rooms, m[1]) {
			t.Errorf("docs/house.md has two lines for %s", m[1])
		}
		rooms = append(rooms, m[1])
	}
	folders := packageFolders(t)
	for _, dir := range folders {
		if dir != "." && !slices.Contains(rooms, dir) {
			t.Errorf("docs/house.md has no line for %s", dir)
		}
	}
	for _, room := range rooms {
		if !slices.Contains(folders, room) {
			t.Errorf("docs/house.md has a line for %s, which does not exist", room)
		}
	}
}
