// What the recorded clients and servers of Thrift speak.
include "base.thrift"

namespace cpp calls
namespace py calls

enum Op { ADD = 1, SUBTRACT, DIVIDE = 4 }

typedef map<string, set<i64>> Tags

struct Item {
	1: string name
	2: i32 count
	3: list<double> prices
	4: Tags tags
	5: bool ok
	6: binary raw
	7: Op op
	8: optional i16 small
	9: optional byte tiny
	10: list<map<Op, list<bool>>> nested
}

exception Refused {
	1: i32 code
	2: string why
}

service Calls extends base.Base {
	string echo(1: string id, 2: string text)
	i32 calculate(1: string id, 2: Op op, 3: i32 a, 4: i32 b) throws (1: Refused refused)
	Item enrich(1: string id, 2: Item item)
	string crash(1: string id)
	list<string> many(1: string id, 2: i32 n)
	oneway void forget(1: string id)
}
