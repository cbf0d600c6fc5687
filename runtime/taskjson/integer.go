package taskjson

import "strconv"

// integer reads an integer of the given size in bits. It returns a signed one in two's complement. It reports false for null
// and after an error.
func (d *Decoder) integer(bits int, signed bool) (uint64, bool) {
	data, i := d.data, d.pos
	negative := i < len(data) && data[i] == '-'
	if negative {
		i++
	}
	n, end := uint64(0), i
	if i+16 < len(data) {
		x := load8(data, i)
		if marks := nonDigits(x); marks != 0 {
			end += firstMark(marks) & 7
			n = digits8(x, end-i)
		} else {
			y := load8(data, i+8)
			more := firstMark(nonDigits(y))
			n = digits8(x, 8)*pow10[more] + digits8(y, more)
			end += 8 + more
		}
	}
	if end == i || end == i+16 {
		for end < len(data) && data[end]-'0' <= 9 {
			n = n*10 + uint64(data[end]-'0')
			end++
		}
	}
	digits := end - i
	if digits == 0 || digits > maxDigits || digits > 1 && data[i] == '0' ||
		end < len(data) && (data[end] == '.' || data[end]|0x20 == 'e') {
		return d.anyInteger(bits, signed)
	}
	limit := uint64(1) << (bits - 1) // of a signed one
	switch {
	case !signed && !negative && n>>bits == 0, signed && n < limit && !negative:
	case signed && n <= limit && negative:
		n = -n
	default:
		return d.anyInteger(bits, signed)
	}
	d.pos = end
	return n, true
}

const maxDigits = 19 // of a number that surely fits into 64 bits

// anyInteger is integer for any input.
func (d *Decoder) anyInteger(bits int, signed bool) (n uint64, ok bool) {
	start := d.pos
	literal := d.numberOrNull("an integer")
	if literal == nil {
		return 0, false
	}
	var err error
	if signed {
		var v int64
		v, err = strconv.ParseInt(string(literal), 10, bits)
		n = uint64(v)
	} else {
		n, err = strconv.ParseUint(string(literal), 10, bits)
	}
	if err != nil {
		d.failNumber(start, literal, integerType(bits, signed), err)
	}
	return n, err == nil
}

func integerType(bits int, signed bool) string {
	if signed {
		return "int" + strconv.Itoa(bits)
	}
	return "uint" + strconv.Itoa(bits)
}
