package taskjson

import "strconv"

// exactDigits is the number of decimal digits that a float64 holds exactly, as a number and as a power of ten.
const exactDigits = 15

var pow10 = [20]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19}

func (d *Decoder) float(bits int) (float64, bool) {
	start := d.pos
	if f, end := smallFloat(d.data, start, bits); end > start {
		d.pos = end
		return f, true
	}
	literal := d.numberOrNull("a number")
	if literal == nil {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(literal), bits)
	if err != nil {
		d.failNumber(start, literal, "float"+strconv.Itoa(bits), err)
	}
	return f, err == nil
}

// smallFloat reads the number at i if it has no exponent and so few digits that dividing two exact numbers rounds correctly.
// It returns the number's end, or i if it read nothing.
func smallFloat(data []byte, i, bits int) (f float64, end int) {
	first := i
	if i < len(data) && data[i] == '-' {
		first++
	}
	n, end := uint64(0), first
	for end < len(data) && data[end]-'0' <= 9 {
		n = n*10 + uint64(data[end]-'0')
		end++
	}
	digits, fraction := end-first, 0
	if digits == 0 || digits > 1 && data[first] == '0' {
		return 0, i
	}
	if end < len(data) && data[end] == '.' {
		dot := end
		end++
		for end < len(data) && data[end]-'0' <= 9 {
			n = n*10 + uint64(data[end]-'0')
			end++
		}
		fraction = end - dot - 1
		if fraction == 0 {
			return 0, i
		}
	}
	if digits+fraction > exactDigits || end < len(data) && data[end]|0x20 == 'e' {
		return 0, i
	}
	if bits == 32 {
		if n >= 1<<24 || fraction > 10 {
			return 0, i
		}
		f = float64(float32(n) / float32(pow10[fraction]))
	} else {
		f = float64(n) / float64(pow10[fraction])
	}
	if first > i {
		f = -f
	}
	return f, end
}
