package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/testdata/codec/payloads"
)

// printVariants prints how much more it costs to decode the same payload indented, and with its keys in another order.
func printVariants(w io.Writer, set settings) {
	fmt.Fprintf(w, "\ndecoding with %s\tcompact, ns\tindented\tkeys in reverse order\n", ours)
	variants(w, set, "tiny", payloads.NewTiny(), payloads.AppendTiny, payloads.DecodeTiny)
	variants(w, set, "order", payloads.NewOrder(), payloads.AppendOrder, payloads.DecodeOrder)
	variants(w, set, "ids", payloads.NewIDs(), payloads.AppendIDs, payloads.DecodeIDs)
	variants(w, set, "document", payloads.NewDocument(), payloads.AppendDocument, payloads.DecodeDocument)
	variants(w, set, "mixed", payloads.NewMixed(), payloads.AppendMixed, payloads.DecodeMixed)
}

func variants[T any](w io.Writer, set settings, name string, sample *T, appendT func([]byte, *T) ([]byte, error), decodeT func([]byte, *T) error) {
	data, err := appendT(nil, sample)
	must(err)
	var indented bytes.Buffer
	must(json.Indent(&indented, data, "", "  "))
	c := comparison{name: name}
	for _, variant := range [][]byte{data, indented.Bytes(), reversed(data)} {
		v := new(T)
		c.peers = append(c.peers, contender{ours, func() { must(decodeT(variant, v)) }})
	}
	r := c.measure(set)
	fmt.Fprintf(w, "%s\t%.0f\t%.2f\t%.2f\n", name, r[0].nanos, 1/r[1].speed, 1/r[2].speed)
}

// reversed returns JSON with the members of every object in reverse order.
func reversed(data []byte) []byte {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	token, err := dec.Token()
	must(err)
	if token != json.Delim('{') && token != json.Delim('[') {
		return data
	}
	var parts [][]byte
	for dec.More() {
		var part []byte
		if token == json.Delim('{') {
			key, err := dec.Token()
			must(err)
			part = append(strconv.AppendQuote(nil, key.(string)), ':')
		}
		var value json.RawMessage
		must(dec.Decode(&value))
		part = append(part, reversed(value)...)
		parts = append(parts, part)
	}
	if token == json.Delim('[') {
		return append(append([]byte("["), bytes.Join(parts, []byte(","))...), ']')
	}
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	return append(append([]byte("{"), bytes.Join(parts, []byte(","))...), '}')
}

// coldStart decodes and appends an order, for the first time in this process.
func coldStart(name string) time.Duration {
	data := []byte(coldOrder)
	var order payloads.Order
	if name == ours {
		start := time.Now()
		must(payloads.DecodeOrder(data, &order))
		_, err := payloads.AppendOrder(nil, &order)
		must(err)
		return time.Since(start)
	}
	for _, p := range libraries() {
		if p.name == name {
			start := time.Now()
			must(p.unmarshal(data, &order))
			_, err := p.marshal()(&order)
			must(err)
			return time.Since(start)
		}
	}
	panic("no peer " + name)
}

const coldOrder = `{"id":"o1","customer":{"id":1,"name":"Zoë","email":"z@example.com"},"items":[{"sku":"S1","title":"Mug","quantity":2,"price":9.95},` +
	`{"sku":"S2","title":"Cup","quantity":1,"price":4.5}],"attrs":{"channel":"web"},"total":24.4,"currency":"EUR","paid":true,"express":false}`

// printCold prints the median of first uses in fresh processes.
func printCold(w io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\nfirst use in a process, order\tµs\n")
	names := []string{ours}
	for _, p := range libraries() {
		names = append(names, p.name)
	}
	for _, name := range names {
		var micros []float64
		for range 15 {
			out, err := exec.Command(self, "-cold", name).Output()
			if err != nil {
				return fmt.Errorf("cold start of %s: %w", name, err)
			}
			nanos, err := strconv.ParseFloat(string(bytes.TrimSpace(out)), 64)
			if err != nil {
				return err
			}
			micros = append(micros, nanos/1000)
		}
		fmt.Fprintf(w, "%s\t%.0f\n", name, median(micros))
	}
	return nil
}
