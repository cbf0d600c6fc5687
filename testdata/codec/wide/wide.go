// Package wide declares a payload of more fields than one word has bits.
package wide

// Wide has 150 fields.
//
//cloudtask:task
type Wide struct {
	F0   int    `json:"f0"`
	F1   string `json:"f1,omitempty"`
	F2   bool   `json:"f2" default:"true"`
	F3   int    `json:"f3"`
	F4   string `json:"f4,omitempty"`
	F5   bool   `json:"f5" default:"true"`
	F6   int    `json:"f6"`
	F7   string `json:"f7,omitempty"`
	F8   bool   `json:"f8" default:"true"`
	F9   int    `json:"f9"`
	F10  string `json:"f10,omitempty"`
	F11  bool   `json:"f11" default:"true"`
	F12  int    `json:"f12"`
	F13  string `json:"f13,omitempty"`
	F14  bool   `json:"f14" default:"true"`
	F15  int    `json:"f15"`
	F16  string `json:"f16,omitempty"`
	F17  bool   `json:"f17" default:"true"`
	F18  int    `json:"f18"`
	F19  string `json:"f19,omitempty"`
	F20  bool   `json:"f20" default:"true"`
	F21  int    `json:"f21"`
	F22  string `json:"f22,omitempty"`
	F23  bool   `json:"f23" default:"true"`
	F24  int    `json:"f24"`
	F25  string `json:"f25,omitempty"`
	F26  bool   `json:"f26" default:"true"`
	F27  int    `json:"f27"`
	F28  string `json:"f28,omitempty"`
	F29  bool   `json:"f29" default:"true"`
	F30  int    `json:"f30"`
	F31  string `json:"f31,omitempty"`
	F32  bool   `json:"f32" default:"true"`
	F33  int    `json:"f33"`
	F34  string `json:"f34,omitempty"`
	F35  bool   `json:"f35" default:"true"`
	F36  int    `json:"f36"`
	F37  string `json:"f37,omitempty"`
	F38  bool   `json:"f38" default:"true"`
	F39  int    `json:"f39"`
	F40  string `json:"f40,omitempty"`
	F41  bool   `json:"f41" default:"true"`
	F42  int    `json:"f42"`
	F43  string `json:"f43,omitempty"`
	F44  bool   `json:"f44" default:"true"`
	F45  int    `json:"f45"`
	F46  string `json:"f46,omitempty"`
	F47  bool   `json:"f47" default:"true"`
	F48  int    `json:"f48"`
	F49  string `json:"f49,omitempty"`
	F50  bool   `json:"f50" default:"true"`
	F51  int    `json:"f51"`
	F52  string `json:"f52,omitempty"`
	F53  bool   `json:"f53" default:"true"`
	F54  int    `json:"f54"`
	F55  string `json:"f55,omitempty"`
	F56  bool   `json:"f56" default:"true"`
	F57  int    `json:"f57"`
	F58  string `json:"f58,omitempty"`
	F59  bool   `json:"f59" default:"true"`
	F60  int    `json:"f60"`
	F61  string `json:"f61,omitempty"`
	F62  bool   `json:"f62" default:"true"`
	F63  int    `json:"f63"`
	F64  string `json:"f64,omitempty"`
	F65  bool   `json:"f65" default:"true"`
	F66  int    `json:"f66"`
	F67  string `json:"f67,omitempty"`
	F68  bool   `json:"f68" default:"true"`
	F69  int    `json:"f69"`
	F70  string `json:"f70,omitempty"`
	F71  bool   `json:"f71" default:"true"`
	F72  int    `json:"f72"`
	F73  string `json:"f73,omitempty"`
	F74  bool   `json:"f74" default:"true"`
	F75  int    `json:"f75"`
	F76  string `json:"f76,omitempty"`
	F77  bool   `json:"f77" default:"true"`
	F78  int    `json:"f78"`
	F79  string `json:"f79,omitempty"`
	F80  bool   `json:"f80" default:"true"`
	F81  int    `json:"f81"`
	F82  string `json:"f82,omitempty"`
	F83  bool   `json:"f83" default:"true"`
	F84  int    `json:"f84"`
	F85  string `json:"f85,omitempty"`
	F86  bool   `json:"f86" default:"true"`
	F87  int    `json:"f87"`
	F88  string `json:"f88,omitempty"`
	F89  bool   `json:"f89" default:"true"`
	F90  int    `json:"f90"`
	F91  string `json:"f91,omitempty"`
	F92  bool   `json:"f92" default:"true"`
	F93  int    `json:"f93"`
	F94  string `json:"f94,omitempty"`
	F95  bool   `json:"f95" default:"true"`
	F96  int    `json:"f96"`
	F97  string `json:"f97,omitempty"`
	F98  bool   `json:"f98" default:"true"`
	F99  int    `json:"f99"`
	F100 string `json:"f100,omitempty"`
	F101 bool   `json:"f101" default:"true"`
	F102 int    `json:"f102"`
	F103 string `json:"f103,omitempty"`
	F104 bool   `json:"f104" default:"true"`
	F105 int    `json:"f105"`
	F106 string `json:"f106,omitempty"`
	F107 bool   `json:"f107" default:"true"`
	F108 int    `json:"f108"`
	F109 string `json:"f109,omitempty"`
	F110 bool   `json:"f110" default:"true"`
	F111 int    `json:"f111"`
	F112 string `json:"f112,omitempty"`
	F113 bool   `json:"f113" default:"true"`
	F114 int    `json:"f114"`
	F115 string `json:"f115,omitempty"`
	F116 bool   `json:"f116" default:"true"`
	F117 int    `json:"f117"`
	F118 string `json:"f118,omitempty"`
	F119 bool   `json:"f119" default:"true"`
	F120 int    `json:"f120"`
	F121 string `json:"f121,omitempty"`
	F122 bool   `json:"f122" default:"true"`
	F123 int    `json:"f123"`
	F124 string `json:"f124,omitempty"`
	F125 bool   `json:"f125" default:"true"`
	F126 int    `json:"f126"`
	F127 string `json:"f127,omitempty"`
	F128 bool   `json:"f128" default:"true"`
	F129 int    `json:"f129"`
	F130 string `json:"f130,omitempty"`
	F131 bool   `json:"f131" default:"true"`
	F132 int    `json:"f132"`
	F133 string `json:"f133,omitempty"`
	F134 bool   `json:"f134" default:"true"`
	F135 int    `json:"f135"`
	F136 string `json:"f136,omitempty"`
	F137 bool   `json:"f137" default:"true"`
	F138 int    `json:"f138"`
	F139 string `json:"f139,omitempty"`
	F140 bool   `json:"f140" default:"true"`
	F141 int    `json:"f141"`
	F142 string `json:"f142,omitempty"`
	F143 bool   `json:"f143" default:"true"`
	F144 int    `json:"f144"`
	F145 string `json:"f145,omitempty"`
	F146 bool   `json:"f146" default:"true"`
	F147 int    `json:"f147"`
	F148 string `json:"f148,omitempty"`
	F149 bool   `json:"f149" default:"true"`
	Self *Wide  `json:"self,omitempty"`
	Kids []Wide `json:"kids,omitempty"`
}
