package password

import (
	"bufio"
	"bytes"
	"container/heap"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// sortedAtOnce is how many records are sorted in memory: 48 MiB. Longer lists are sorted in parts, which are kept in
// files and merged.
const sortedAtOnce = 8 << 20

// longestLine is in bytes. Longer lines are no passwords that anybody could set here.
const longestLine = 4096

// Built tells what became of a list.
type Built struct {
	Lines   int64 `json:"lines"`
	Skipped int64 `json:"skipped"` // empty, too long, or seen less often than wanted
	Records int64 `json:"records"` // each once
}

// CreateFilter reads a list and makes a filter file of that name, which appears when it is finished; what had the name
// before stays until then. Each line is a password, or the SHA-1 of one in hexadecimal with
// how often it was seen, as Have I Been Pwned publishes them: 5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:10437277.
// Those seen less often than atLeast are left out. It needs about 100 MiB of memory and, beside the result, as much room
// again in its folder for parts.
func CreateFilter(list io.Reader, path string, atLeast int64) (built Built, err error) {
	out, err := os.CreateTemp(filepath.Dir(path), ".filter-*")
	if err != nil {
		return built, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("building %s: %w", path, err), os.Remove(out.Name()))
		}
	}()
	if built, err = buildFilter(list, out, filepath.Dir(path), atLeast, sortedAtOnce); err != nil {
		return built, errors.Join(err, out.Close())
	}
	if err = errors.Join(out.Chmod(0o644), out.Sync(), out.Close()); err != nil {
		return built, err
	}
	return built, os.Rename(out.Name(), path)
}

// buildFilter sorts what fits into memory, and merges.
func buildFilter(list io.Reader, out io.WriteSeeker, folder string, atLeast int64, atOnce int) (built Built, err error) {
	var parts []*os.File
	defer func() {
		for _, p := range parts {
			err = errors.Join(err, p.Close(), os.Remove(p.Name()))
		}
	}()
	batch := make([]record, 0, atOnce) // at its full length: growing would need as much again
	flush := func() error {
		slices.SortFunc(batch, compare)
		batch = slices.Compact(batch)
		part, err := os.CreateTemp(folder, ".filter-part-*")
		if err != nil {
			return err
		}
		parts = append(parts, part)
		w := bufio.NewWriterSize(part, 1<<20)
		for _, r := range batch {
			_, _ = w.Write(r[:]) // Flush tells
		}
		batch = batch[:0]
		return w.Flush()
	}
	err = eachLine(list, func(line string, whole bool) error {
		built.Lines++
		r, ok := parseLine(line, atLeast)
		if !ok || !whole {
			built.Skipped++
			return nil
		}
		if batch = append(batch, r); len(batch) < atOnce {
			return nil
		}
		return flush()
	})
	if err == nil && len(parts) > 0 && len(batch) > 0 {
		err = flush()
	}
	if err != nil {
		return built, err
	}
	slices.SortFunc(batch, compare)
	sources := []*source{{batch: batch}}
	for _, p := range parts {
		if _, err := p.Seek(0, io.SeekStart); err != nil {
			return built, err
		}
		sources = append(sources, &source{file: bufio.NewReaderSize(p, 1<<18)})
	}
	built.Records, err = writeFilter(sources, out)
	return built, err
}

// eachLine calls f with every line, without its end. Of a line that is too long only the beginning is kept.
func eachLine(list io.Reader, f func(line string, whole bool) error) error {
	in := bufio.NewReaderSize(list, longestLine)
	for {
		line, more, err := in.ReadLine()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		text, whole := string(line), !more
		for more {
			if _, more, err = in.ReadLine(); err != nil {
				return err
			}
		}
		if err := f(text, whole); err != nil {
			return err
		}
	}
}

// parseLine reads a password, or a hash with its count.
func parseLine(line string, atLeast int64) (record, bool) {
	digits, count, counted := strings.Cut(line, ":")
	if sum, err := hex.DecodeString(digits); err == nil && len(sum) == 20 {
		seen, err := strconv.ParseInt(strings.TrimSpace(count), 10, 64)
		if !counted {
			return record(sum[:recordLen]), true
		}
		if err == nil {
			return record(sum[:recordLen]), seen >= atLeast
		}
	}
	return listed(line), line != ""
}

func compare(a, b record) int { return bytes.Compare(a[:], b[:]) }

// source is a sorted list of records: the one in memory, or a part in a file.
type source struct {
	batch []record
	file  *bufio.Reader
	next  record
}

// advance reads the next record; io.EOF after the last.
func (s *source) advance() error {
	if s.file != nil {
		_, err := io.ReadFull(s.file, s.next[:])
		return err
	}
	if len(s.batch) == 0 {
		return io.EOF
	}
	s.next, s.batch = s.batch[0], s.batch[1:]
	return nil
}

// sources is a heap by the next record.
type sources []*source

func (s sources) Len() int           { return len(s) }
func (s sources) Less(i, j int) bool { return compare(s[i].next, s[j].next) < 0 }
func (s sources) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s *sources) Push(x any)        { *s = append(*s, x.(*source)) }
func (s *sources) Pop() any {
	last := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	return last
}

// writeFilter merges sorted lists into a filter file. The header comes last: a file that was not finished has none.
func writeFilter(from []*source, out io.WriteSeeker) (count int64, err error) {
	var all sources
	for _, s := range from {
		switch err := s.advance(); {
		case err == nil:
			all = append(all, s)
		case !errors.Is(err, io.EOF):
			return 0, err
		}
	}
	heap.Init(&all)
	sum := crc32.New(crcTable)
	w := bufio.NewWriterSize(out, 1<<20)
	_, _ = w.Write(make([]byte, headerLen)) // Flush tells
	both := io.MultiWriter(w, sum)
	var last record
	for len(all) > 0 {
		if s := all[0]; count == 0 || s.next != last {
			last = s.next
			count++
			if _, err := both.Write(last[:]); err != nil {
				return 0, err
			}
		}
		switch err := all[0].advance(); {
		case err == nil:
			heap.Fix(&all, 0)
		case errors.Is(err, io.EOF):
			heap.Pop(&all)
		default:
			return 0, err
		}
	}
	if err := w.Flush(); err != nil {
		return 0, err
	}
	if _, err := out.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	_, err = out.Write(header(count, sum.Sum32()))
	return count, err
}

func header(count int64, sum uint32) []byte {
	head := binary.BigEndian.AppendUint32([]byte(filterMagic), filterVersion)
	head = binary.BigEndian.AppendUint64(head, uint64(count))
	head = binary.BigEndian.AppendUint32(head, sum)
	return binary.BigEndian.AppendUint32(head, crc32.Checksum(head, crcTable))
}
