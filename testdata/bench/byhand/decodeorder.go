package byhand

import "github.com/cloudtaskgen/cloudtaskgen/testdata/codec/payloads"

// DecodeOrder reads the payload, whatever was in v before.
func DecodeOrder(data []byte, v *payloads.Order) error {
	*v = payloads.Order{}
	d := decoder{data: data}
	return d.finish(d.order(d.space(0), v))
}

func (d *decoder) order(i int, v *payloads.Order) int {
	i, seen := d.orderInOrder(i, v)
	if i < 0 || seen == orderComplete {
		return i
	}
	if seen == 0 {
		if i = d.open(i); i < 0 {
			return -1
		}
	}
	for first := seen == 0; ; first = false {
		name, next := d.member(i, first)
		if name == nil {
			return d.check(next, seen, "id", "customer", "items", "attrs", "total", "currency", "paid", "express")
		}
		switch string(name) {
		case "id":
			if i = d.required(next, &seen, 0); i >= 0 {
				v.ID, i = d.str(i)
			}
			if i < 0 {
				return d.in("id")
			}
		case "customer":
			if i = d.required(next, &seen, 1); i >= 0 {
				i = d.customer(i, &v.Customer)
			}
			if i < 0 {
				return d.in("customer")
			}
		case "items":
			if i = d.once(next, &seen, 2); i >= 0 {
				v.Items, i = d.items(i)
			}
			if i < 0 {
				return d.in("items")
			}
		case "attrs":
			if i = d.once(next, &seen, 3); i >= 0 {
				v.Attrs, i = d.attrs(i)
			}
			if i < 0 {
				return d.in("attrs")
			}
		case "total":
			if i = d.required(next, &seen, 4); i >= 0 {
				v.Total, i = d.float64(i)
			}
			if i < 0 {
				return d.in("total")
			}
		case "currency":
			if i = d.required(next, &seen, 5); i >= 0 {
				v.Currency, i = d.str(i)
			}
			if i < 0 {
				return d.in("currency")
			}
		case "paid":
			if i = d.required(next, &seen, 6); i >= 0 {
				v.Paid, i = d.boolean(i)
			}
			if i < 0 {
				return d.in("paid")
			}
		case "express":
			if i = d.required(next, &seen, 7); i >= 0 {
				v.Express, i = d.boolean(i)
			}
			if i < 0 {
				return d.in("express")
			}
		default:
			if i = d.skip(next, 1); i < 0 {
				return d.in(string(name))
			}
		}
	}
}

// orderInOrder reads members as long as they come as they are declared, and reports which did. When that is orderComplete the
// object is over.
func (d *decoder) orderInOrder(i int, v *payloads.Order) (next int, seen uint) {
	if !has(d.data, i, `{"id":`) || d.elsewhere(i+6) {
		return i, seen
	}
	if v.ID, i = d.str(i + 6); i < 0 {
		return d.in("id"), 0
	}
	seen |= 1 << 0
	if !has(d.data, i, `,"customer":`) || d.elsewhere(i+12) {
		return i, seen
	}
	if i = d.customer(i+12, &v.Customer); i < 0 {
		return d.in("customer"), 0
	}
	seen |= 1 << 1
	if !has(d.data, i, `,"items":`) || d.at(i+9) <= ' ' {
		return i, seen
	}
	if v.Items, i = d.items(i + 9); i < 0 {
		return d.in("items"), 0
	}
	seen |= 1 << 2
	if !has(d.data, i, `,"attrs":`) || d.at(i+9) <= ' ' {
		return i, seen
	}
	if v.Attrs, i = d.attrs(i + 9); i < 0 {
		return d.in("attrs"), 0
	}
	seen |= 1 << 3
	if !has(d.data, i, `,"total":`) || d.elsewhere(i+9) {
		return i, seen
	}
	if v.Total, i = d.float64(i + 9); i < 0 {
		return d.in("total"), 0
	}
	seen |= 1 << 4
	if !has(d.data, i, `,"currency":`) || d.elsewhere(i+12) {
		return i, seen
	}
	if v.Currency, i = d.str(i + 12); i < 0 {
		return d.in("currency"), 0
	}
	seen |= 1 << 5
	if !has(d.data, i, `,"paid":`) || d.elsewhere(i+8) {
		return i, seen
	}
	if v.Paid, i = d.boolean(i + 8); i < 0 {
		return d.in("paid"), 0
	}
	seen |= 1 << 6
	if !has(d.data, i, `,"express":`) || d.elsewhere(i+11) {
		return i, seen
	}
	if v.Express, i = d.boolean(i + 11); i < 0 {
		return d.in("express"), 0
	}
	seen |= 1 << 7
	if d.at(i) != '}' {
		return i, seen
	}
	return i + 1, orderComplete
}

const orderComplete = 1 << 63

func (d *decoder) customer(i int, v *payloads.Customer) int {
	i, seen := d.customerInOrder(i, v)
	if i < 0 || seen == customerComplete {
		return i
	}
	if seen == 0 {
		if i = d.open(i); i < 0 {
			return -1
		}
	}
	for first := seen == 0; ; first = false {
		name, next := d.member(i, first)
		if name == nil {
			return d.check(next, seen, "id", "name", "email")
		}
		switch string(name) {
		case "id":
			if i = d.required(next, &seen, 0); i >= 0 {
				v.ID, i = d.int64(i)
			}
			if i < 0 {
				return d.in("id")
			}
		case "name":
			if i = d.required(next, &seen, 1); i >= 0 {
				v.Name, i = d.str(i)
			}
			if i < 0 {
				return d.in("name")
			}
		case "email":
			if i = d.required(next, &seen, 2); i >= 0 {
				v.Email, i = d.str(i)
			}
			if i < 0 {
				return d.in("email")
			}
		default:
			if i = d.skip(next, 2); i < 0 {
				return d.in(string(name))
			}
		}
	}
}

// customerInOrder reads members as long as they come as they are declared, and reports which did. When that is customerComplete the
// object is over.
func (d *decoder) customerInOrder(i int, v *payloads.Customer) (next int, seen uint) {
	if !has(d.data, i, `{"id":`) || d.elsewhere(i+6) {
		return i, seen
	}
	if v.ID, i = d.int64(i + 6); i < 0 {
		return d.in("id"), 0
	}
	seen |= 1 << 0
	if !has(d.data, i, `,"name":`) || d.elsewhere(i+8) {
		return i, seen
	}
	if v.Name, i = d.str(i + 8); i < 0 {
		return d.in("name"), 0
	}
	seen |= 1 << 1
	if !has(d.data, i, `,"email":`) || d.elsewhere(i+9) {
		return i, seen
	}
	if v.Email, i = d.str(i + 9); i < 0 {
		return d.in("email"), 0
	}
	seen |= 1 << 2
	if d.at(i) != '}' {
		return i, seen
	}
	return i + 1, customerComplete
}

const customerComplete = 1 << 63

func (d *decoder) item(i int, v *payloads.Item) int {
	i, seen := d.itemInOrder(i, v)
	if i < 0 || seen == itemComplete {
		return i
	}
	if seen == 0 {
		if i = d.open(i); i < 0 {
			return -1
		}
	}
	for first := seen == 0; ; first = false {
		name, next := d.member(i, first)
		if name == nil {
			return d.check(next, seen, "sku", "title", "quantity", "price")
		}
		switch string(name) {
		case "sku":
			if i = d.required(next, &seen, 0); i >= 0 {
				v.SKU, i = d.str(i)
			}
			if i < 0 {
				return d.in("sku")
			}
		case "title":
			if i = d.required(next, &seen, 1); i >= 0 {
				v.Title, i = d.str(i)
			}
			if i < 0 {
				return d.in("title")
			}
		case "quantity":
			if i = d.required(next, &seen, 2); i >= 0 {
				v.Quantity, i = d.int(i)
			}
			if i < 0 {
				return d.in("quantity")
			}
		case "price":
			if i = d.required(next, &seen, 3); i >= 0 {
				v.Price, i = d.float64(i)
			}
			if i < 0 {
				return d.in("price")
			}
		default:
			if i = d.skip(next, 3); i < 0 {
				return d.in(string(name))
			}
		}
	}
}

// itemInOrder reads members as long as they come as they are declared, and reports which did. When that is itemComplete the
// object is over.
func (d *decoder) itemInOrder(i int, v *payloads.Item) (next int, seen uint) {
	if !has(d.data, i, `{"sku":`) || d.elsewhere(i+7) {
		return i, seen
	}
	if v.SKU, i = d.str(i + 7); i < 0 {
		return d.in("sku"), 0
	}
	seen |= 1 << 0
	if !has(d.data, i, `,"title":`) || d.elsewhere(i+9) {
		return i, seen
	}
	if v.Title, i = d.str(i + 9); i < 0 {
		return d.in("title"), 0
	}
	seen |= 1 << 1
	if !has(d.data, i, `,"quantity":`) || d.elsewhere(i+12) {
		return i, seen
	}
	if v.Quantity, i = d.int(i + 12); i < 0 {
		return d.in("quantity"), 0
	}
	seen |= 1 << 2
	if !has(d.data, i, `,"price":`) || d.elsewhere(i+9) {
		return i, seen
	}
	if v.Price, i = d.float64(i + 9); i < 0 {
		return d.in("price"), 0
	}
	seen |= 1 << 3
	if d.at(i) != '}' {
		return i, seen
	}
	return i + 1, itemComplete
}

const itemComplete = 1 << 63
