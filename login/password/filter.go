package password

import (
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"golang.org/x/text/unicode/norm"

	"github.com/minddistrict/idp/internal/fault"
)

// A filter file is a sorted list of shortened hashes that is searched where it lies: nothing of it is kept in memory,
// whatever its size, and it is built in bounded memory (CreateFilter). A probabilistic filter would be a sixth of the
// size, but needs all keys in memory while it is built, which for the published list of a billion passwords no
// operator's machine has.
//
//	8 bytes  filterMagic
//	4 bytes  version, big endian as all numbers here
//	8 bytes  number of records
//	4 bytes  CRC-32C of the records
//	4 bytes  CRC-32C of the 24 bytes before
//	records  the first 6 bytes of the SHA-1 of each password, ascending, each once
//
// SHA-1 is what published lists have; nothing depends on its strength. Of a billion records, one other password in
// 280,000 is taken for one of them: its owner chooses another.
const (
	filterMagic   = "idpwords"
	filterVersion = 1
	headerLen     = 28
	recordLen     = 6
)

var crcTable = crc32.MakeTable(crc32.Castagnoli)

// record is a password's place in a filter.
type record [recordLen]byte

func recordOf(password string) record {
	sum := sha1.Sum([]byte(password))
	return record(sum[:recordLen])
}

// Filter reports whether a password is in a filter file. It may be used by several at once.
type Filter struct {
	file  io.ReaderAt
	count int64
}

// OpenFilter opens a filter file and reads it once, so that a damaged or shortened one is refused when the server
// starts and not when somebody chooses a password: fault.Invalid. The file must not be changed afterwards; a new one
// takes its place by a rename.
func OpenFilter(path string) (*Filter, error) {
	file, err := os.Open(path) // stays open as long as the process
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil {
		var f *Filter
		if f, err = newFilter(file, info.Size()); err == nil {
			return f, nil
		}
	}
	_ = file.Close() // it was only read
	return nil, fmt.Errorf("%s: %w", path, err)
}

func newFilter(file io.ReaderAt, size int64) (*Filter, error) {
	refuse := func(why string) (*Filter, error) {
		return nil, fmt.Errorf("%w: password filter: %s; build it again with idp passwords build-filter", fault.Invalid, why)
	}
	var head [headerLen]byte
	if _, err := file.ReadAt(head[:], 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case size < headerLen || string(head[:8]) != filterMagic:
		return refuse("not such a file")
	case binary.BigEndian.Uint32(head[8:]) != filterVersion:
		return refuse("made for another version")
	case binary.BigEndian.Uint32(head[24:]) != crc32.Checksum(head[:24], crcTable):
		return refuse("its beginning is damaged")
	}
	count := binary.BigEndian.Uint64(head[12:])
	if records := size - headerLen; records%recordLen != 0 || uint64(records/recordLen) != count {
		return refuse("it is not complete")
	}
	sum := crc32.New(crcTable)
	if _, err := io.CopyBuffer(sum, io.NewSectionReader(file, headerLen, size-headerLen), make([]byte, 1<<20)); err != nil {
		return nil, err
	}
	if sum.Sum32() != binary.BigEndian.Uint32(head[20:]) {
		return refuse("it is damaged")
	}
	return &Filter{file: file, count: int64(count)}, nil
}

// Has reports whether a password is on the list. A nil Filter has none.
func (f *Filter) Has(password string) (bool, error) {
	if f == nil {
		return false, nil
	}
	wanted := recordOf(password)
	low, high := int64(0), f.count
	for low < high {
		middle := low + (high-low)/2
		var at record
		if _, err := f.file.ReadAt(at[:], headerLen+middle*recordLen); err != nil {
			return false, fmt.Errorf("password filter: %w", err)
		}
		switch compare(at, wanted) {
		case 0:
			return true, nil
		case -1:
			low = middle + 1
		default:
			high = middle
		}
	}
	return false, nil
}

// Count is the number of passwords on the list.
func (f *Filter) Count() int64 { return f.count }

// listed is the form in which a plain password enters a filter: the one that is hashed.
func listed(password string) record { return recordOf(norm.NFC.String(password)) }
