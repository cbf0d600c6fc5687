package payloads

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// NewTiny returns a payload of 41 bytes.
func NewTiny() *Tiny { return &Tiny{UserID: 1234567, Message: "Welcome aboard!"} }

// NewOrder returns an order of eight items.
func NewOrder() *Order {
	o := &Order{
		ID:       "ord_01HZX3V9K7",
		Customer: Customer{ID: 987654, Name: "Zoë Müller", Email: "zoe@example.com"},
		Attrs:    map[string]string{"channel": "web", "campaign": "spring-sale", "gift": "false"},
		Total:    1043.5,
		Currency: "EUR",
		Paid:     true,
	}
	for i := range 8 {
		o.Items = append(o.Items, Item{
			SKU:      fmt.Sprintf("SKU-%05d", 10007*i%99991),
			Title:    "Handmade ceramic mug, 350 ml"[:20+i],
			Quantity: 1 + i*5%7,
			Price:    float64(995+i*1250) / 100,
		})
	}
	return o
}

// NewIDs returns a thousand ids of up to ten digits.
func NewIDs() *IDs {
	ids := make([]int64, 1000)
	for i := range ids {
		ids[i] = int64(i) * 2654435761 % 9999999967
	}
	return &IDs{IDs: ids}
}

// NewDocument returns 64 KiB of text in several scripts.
func NewDocument() *Document {
	texts := []string{
		"The quick brown fox jumps over the lazy dog, and \"nothing\" more is said of it here.\nThe next line goes on for a while, as prose does.",
		"Falsches Üben von Xylophonmusik quält jeden größeren Zwerg. Größe, Maß, Öl und Übermut: all das steht in diesem Absatz über Wörter.",
		"Съешь же ещё этих мягких французских булок, да выпей чаю. В чащах юга жил бы цитрус?",
		"いろはにほへと ちりぬるを わかよたれそ つねならむ うゐのおくやま けふこえて",
		"Portez ce vieux whisky au juge blond qui fume — sur son île intérieure, à côté de l’alcôve ovoïde, où les bûches se consument dans l’âtre.",
		"Emoji 😀 happen 🎉 in what people write, and so do arrows → and quotes “like these”; most of the text around them is ASCII all the same.",
	}
	d := &Document{Title: "Panграммы и more", Language: "mul"}
	for i := range 318 {
		text := texts[i%len(texts)]
		d.Sections = append(d.Sections, Section{Heading: fmt.Sprintf("Section %d — %s", i, strings.SplitN(text, " ", 2)[0]), Text: text})
	}
	return d
}

// NewMixed returns a payload in which every field is set.
func NewMixed() *Mixed {
	nick, limit := "kit", int64(500)
	digest := make([]byte, 32)
	for i := range digest {
		digest[i] = byte(i * 37)
	}
	return &Mixed{
		ID:        4211,
		CreatedAt: time.Date(2026, 11, 23, 16, 43, 45, 123456789, time.UTC),
		Digest:    digest,
		Nick:      &nick,
		Limit:     &limit,
		Parent:    &Customer{ID: 7, Name: "Charles", Email: "c@example.com"},
		Raw:       json.RawMessage(`{"source":"import","tags":["a","b"],"depth":3,"ok":true}`),
		Score:     0.8251,
		Active:    true,
	}
}
