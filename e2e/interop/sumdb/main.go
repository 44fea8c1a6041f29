// Reads a log that we published with Go's reference implementation: golang.org/x/mod/sumdb/note opens
// the checkpoint, golang.org/x/mod/sumdb/tlog authenticates the tiles and checks the proofs.
//
// usage: sumdb DIRECTORY VERIFIER-KEY [OLD-CHECKPOINT] [PROOF.tlog-proof]
//
// Prints what held, and ends with 1 and the reason when something does not.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

type directory string

func (directory) Height() int { return height }

// C2SP tlog-tiles leaves the height out of the path.
func (d directory) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(string(d), path))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (directory) SaveTiles([]tlog.Tile, [][]byte) {}

// entry reads one entry from its bundle, which has the places of the tile over it.
func (d directory) entry(tree tlog.Tree, index int64) ([]byte, error) {
	tile := tlog.Tile{H: height, L: 0, N: index >> height, W: 1 << height}
	if rest := tree.N - tile.N<<height; rest < 1<<height {
		tile.W = int(rest)
	}
	path := strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1)
	data, err := os.ReadFile(filepath.Join(string(d), path))
	if err != nil {
		return nil, err
	}
	var entry []byte
	for at := 0; at < tile.W; at++ {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("%s ends within entry %d", path, at)
		}
		length := int(binary.BigEndian.Uint16(data))
		if int64(at) == index&(1<<height-1) {
			entry = data[2 : 2+length]
		}
		data = data[2+length:]
	}
	if len(data) != 0 {
		return nil, fmt.Errorf("%s has %d bytes after its last entry", path, len(data))
	}
	return entry, nil
}

func open(text []byte, verifiers note.Verifiers) (tree tlog.Tree, err error) {
	opened, err := note.Open(text, verifiers)
	if err != nil {
		return tree, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return tree, errors.New("the checkpoint is not origin, size and root")
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return tree, err
	}
	tree.Hash, err = tlog.ParseHash(lines[2])
	return tree, err
}

// sample is every index of a small log; of a large one the first and last, and those around full tiles.
func sample(size int64) (indexes []int64) {
	for index := int64(0); index < size; index++ {
		near := index%(1<<height) < 2 || index%(1<<height) > 253
		if size <= 600 || index < 3 || index >= size-3 || (near && index%65536 < 600) {
			indexes = append(indexes, index)
		}
	}
	return indexes
}

func records(d directory, tree tlog.Tree, hashes tlog.HashReader) (int, error) {
	indexes := sample(tree.N)
	for _, index := range indexes {
		entry, err := d.entry(tree, index)
		if err != nil {
			return 0, err
		}
		proof, err := tlog.ProveRecord(tree.N, index, hashes)
		if err != nil {
			return 0, fmt.Errorf("entry %d: %w", index, err)
		}
		hash := tlog.RecordHash(entry)
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, hash); err != nil {
			return 0, fmt.Errorf("entry %d: %w", index, err)
		}
	}
	return len(indexes), nil
}

func consistent(old, tree tlog.Tree, hashes tlog.HashReader) error {
	proof, err := tlog.ProveTree(tree.N, old.N, hashes)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash)
}

// offline checks a C2SP tlog-proof; the entry it is about is taken from the directory.
func offline(d directory, text string, verifiers note.Verifiers) error {
	head, checkpoint, found := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("not a tlog-proof")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil {
		return err
	}
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		hash, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(hash) != tlog.HashSize {
			return fmt.Errorf("not a hash: %q", line)
		}
		proof = append(proof, *(*tlog.Hash)(hash))
	}
	tree, err := open([]byte(checkpoint), verifiers)
	if err != nil {
		return err
	}
	entry, err := d.entry(tree, index)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry))
}

func run(arguments []string) error {
	if len(arguments) < 2 {
		return errors.New("usage: sumdb DIRECTORY VERIFIER-KEY [OLD-CHECKPOINT] [PROOF]")
	}
	d := directory(arguments[0])
	verifier, err := note.NewVerifier(arguments[1])
	if err != nil {
		return err
	}
	verifiers := note.VerifierList(verifier)
	text, err := os.ReadFile(filepath.Join(arguments[0], "checkpoint"))
	if err != nil {
		return err
	}
	tree, err := open(text, verifiers)
	if err != nil {
		return err
	}
	hashes := tlog.TileHashReader(tree, d)
	count, err := records(d, tree, hashes)
	if err != nil {
		return err
	}
	fmt.Printf("size %d\nentries %d\n", tree.N, count)
	if len(arguments) > 2 {
		text, err := os.ReadFile(arguments[2])
		if err != nil {
			return err
		}
		old, err := open(text, verifiers)
		if err != nil {
			return err
		}
		if err := consistent(old, tree, hashes); err != nil {
			return fmt.Errorf("from %d entries: %w", old.N, err)
		}
		fmt.Printf("extends %d\n", old.N)
	}
	if len(arguments) > 3 {
		text, err := os.ReadFile(arguments[3])
		if err != nil {
			return err
		}
		if err := offline(d, string(text), verifiers); err != nil {
			return fmt.Errorf("the proof: %w", err)
		}
		fmt.Println("proof holds")
	}
	return nil
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "refused:", err)
		os.Exit(1)
	}
}
