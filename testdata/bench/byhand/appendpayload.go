package byhand

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/cloudtaskgen/cloudtaskgen/testdata/codec/payloads"
)

// AppendTiny appends the payload's JSON. It never fails.
func AppendTiny(dst []byte, v *payloads.Tiny) ([]byte, error) {
	dst = append(dst, `{"user_id":`...)
	dst = appendInt(dst, v.UserID)
	dst = append(dst, `,"message":`...)
	dst = appendString(dst, v.Message)
	return append(dst, '}'), nil
}

// AppendIDs appends the payload's JSON. It never fails.
func AppendIDs(dst []byte, v *payloads.IDs) ([]byte, error) {
	if v.IDs == nil {
		return append(dst, `{"ids":null}`...), nil
	}
	dst = append(dst, `{"ids":[`...)
	buf, at := dst[:cap(dst)], len(dst)
	for _, id := range v.IDs {
		if len(buf)-at < 34 {
			buf = slices.Grow(buf[:at], 34)
			buf = buf[:cap(buf)]
		}
		n := uint64(id)
		if id < 0 {
			buf[at] = '-'
			at++
			n = -n
		}
		at += putUint((*[32]byte)(buf[at:]), n)
		buf[at] = ','
		at++
	}
	if len(v.IDs) > 0 {
		at--
	}
	return append(buf[:at], `]}`...), nil
}

// AppendDocument appends the payload's JSON. It never fails.
func AppendDocument(dst []byte, v *payloads.Document) ([]byte, error) {
	dst = append(dst, `{"title":`...)
	dst = appendString(dst, v.Title)
	dst = append(dst, `,"language":`...)
	dst = appendString(dst, v.Language)
	if v.Sections == nil {
		return append(dst, `,"sections":null}`...), nil
	}
	dst = append(dst, `,"sections":[`...)
	for i := range v.Sections {
		s := &v.Sections[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"heading":`...)
		dst = appendString(dst, s.Heading)
		dst = append(dst, `,"text":`...)
		dst = appendString(dst, s.Text)
		dst = append(dst, '}')
	}
	return append(dst, `]}`...), nil
}

// AppendOrder appends the payload's JSON. After an error dst is returned as it was.
func AppendOrder(dst []byte, v *payloads.Order) (_ []byte, err error) {
	old := dst
	dst = append(dst, `{"id":`...)
	dst = appendString(dst, v.ID)
	dst = append(dst, `,"customer":`...)
	dst = appendCustomer(dst, &v.Customer)
	if v.Items == nil {
		dst = append(dst, `,"items":null`...)
	} else {
		dst = append(dst, `,"items":[`...)
		for i := range v.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = appendItem(dst, &v.Items[i]); err != nil {
				err.(*Error).Field = "payload.items[" + strconv.Itoa(i) + "]" + err.(*Error).Field
				return old, err
			}
		}
		dst = append(dst, ']')
	}
	dst = append(dst, `,"attrs":`...)
	dst = appendAttrs(dst, v.Attrs)
	dst = append(dst, `,"total":`...)
	if dst, err = appendFloat(dst, v.Total, "payload.total"); err != nil {
		return old, err
	}
	dst = append(dst, `,"currency":`...)
	dst = appendString(dst, v.Currency)
	dst = append(dst, `,"paid":`...)
	dst = appendBool(dst, v.Paid)
	dst = append(dst, `,"express":`...)
	dst = appendBool(dst, v.Express)
	return append(dst, '}'), nil
}

func appendCustomer(dst []byte, v *payloads.Customer) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendInt(dst, v.ID)
	dst = append(dst, `,"name":`...)
	dst = appendString(dst, v.Name)
	dst = append(dst, `,"email":`...)
	dst = appendString(dst, v.Email)
	return append(dst, '}')
}

func appendItem(dst []byte, v *payloads.Item) (_ []byte, err error) {
	dst = append(dst, `{"sku":`...)
	dst = appendString(dst, v.SKU)
	dst = append(dst, `,"title":`...)
	dst = appendString(dst, v.Title)
	dst = append(dst, `,"quantity":`...)
	dst = appendInt(dst, int64(v.Quantity))
	dst = append(dst, `,"price":`...)
	if dst, err = appendFloat(dst, v.Price, ".price"); err != nil {
		return dst, err
	}
	return append(dst, '}'), nil
}

func appendAttrs(dst []byte, m map[string]string) []byte {
	if m == nil {
		return append(dst, "null"...)
	}
	type entry struct{ key, value string }
	var few [8]entry
	entries := few[:0]
	for k, v := range m {
		entries = append(entries, entry{k, v})
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.key, b.key) })
	dst = append(dst, '{')
	for i := range entries {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, entries[i].key)
		dst = append(dst, ':')
		dst = appendString(dst, entries[i].value)
	}
	return append(dst, '}')
}

// AppendMixed appends the payload's JSON. After an error dst is returned as it was.
func AppendMixed(dst []byte, v *payloads.Mixed) (_ []byte, err error) {
	old := dst
	dst = append(dst, `{"id":`...)
	dst = appendUint(dst, uint64(v.ID))
	dst = append(dst, `,"created_at":`...)
	if dst, err = appendTime(dst, v.CreatedAt, "payload.created_at"); err != nil {
		return old, err
	}
	dst = append(dst, `,"digest":`...)
	dst = appendBytes(dst, v.Digest)
	if v.Nick != nil {
		dst = append(dst, `,"nick":`...)
		dst = appendString(dst, *v.Nick)
	}
	if v.Limit != nil {
		dst = append(dst, `,"limit":`...)
		dst = appendInt(dst, *v.Limit)
	}
	if v.Parent != nil {
		dst = append(dst, `,"parent":`...)
		dst = appendCustomer(dst, v.Parent)
	}
	dst = append(dst, `,"raw":`...)
	if dst, err = appendRaw(dst, v.Raw, "payload.raw"); err != nil {
		return old, err
	}
	dst = append(dst, `,"score":`...)
	if dst, err = appendFloat(dst, v.Score, "payload.score"); err != nil {
		return old, err
	}
	dst = append(dst, `,"active":`...)
	dst = appendBool(dst, v.Active)
	return append(dst, '}'), nil
}
