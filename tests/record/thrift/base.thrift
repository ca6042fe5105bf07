namespace cpp calls
namespace py base

service Base {
	void ping(1: string id)
}
