/// The program that keeps a Python function warm: `python3 -u -B bootstrap.py module.function`.
///
/// One line of JSON in is one call, one line of JSON out is its answer. First comes a line that says whether the
/// handler could be imported. How the input becomes parameters:
/// - the handler's only parameter is named `event` or `input`: it gets the input as it is;
/// - object: keyword arguments;
/// - array: positional arguments;
/// - anything else but `null`: the one positional argument; `null`: no argument.
///
/// The pipes are moved away from descriptors 0 and 1 before any user code runs, so `print` goes to the log.
/// A thread reads the requests; when the hub is gone it reads the end of the pipe and kills the whole group, even
/// while a handler runs.
enum PythonBootstrap {
    /// Name of the file under the hub's `bootstrap` folder.
    static let fileName = "bootstrap.py"

    /// What an answer line of a successful call starts with, before the call's id.
    static let answerHead = #"{"ok":true,"id":""#
    /// What stands between the call's id and its output; the line ends with the output and `}`.
    static let answerMiddle = #"","output":"#

    static let source = #"""
        """Runs one Osiris function. Started by the hub; see its documentation for the rules of parameters."""
        import asyncio, errno, importlib, inspect, json, os, queue, signal, sys, threading, traceback

        requests = os.fdopen(os.dup(0), "rb")
        answers = os.fdopen(os.dup(1), "wb")
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(2, 1)
        os.close(null)

        def send(text):
            answers.write(text.encode("utf-8") + b"\n")
            answers.flush()

        def read(calls):
            for line in requests:
                calls.put(line)
            try:
                os.killpg(0, signal.SIGKILL)
            finally:
                os._exit(0)

        def arguments(handler, value):
            try:
                names = list(inspect.signature(handler).parameters)
            except (TypeError, ValueError):
                names = []
            if len(names) == 1 and names[0] in ("event", "input"):
                return [value], {}
            if isinstance(value, dict):
                return [], value
            if isinstance(value, list):
                return value, {}
            return ([], {}) if value is None else ([value], {})

        def full():
            try:
                threading.Thread(target=int).start()
                return False
            except RuntimeError:
                return True

        def limit(error):
            number = error.errno if isinstance(error, OSError) else None
            if isinstance(error, MemoryError):
                return "memory"
            if number == errno.EMFILE:
                return "openFiles"
            if number in (errno.EFBIG, errno.ENOSPC, errno.EDQUOT):
                return "disk"
            # A socket without data says EAGAIN as well.
            if (number == errno.EAGAIN or isinstance(error, RuntimeError)) and full():
                return "processes"
            return None

        def describe(error):
            return {"type": type(error).__name__, "message": str(error) or type(error).__name__, "limit": limit(error)}

        def answer(handler, request):
            try:
                positional, keyword = arguments(handler, request["input"])
                result = handler(*positional, **keyword)
                if inspect.isawaitable(result):
                    async def wait():
                        return await result
                    result = asyncio.run(wait())
                output = json.dumps(result, allow_nan=False, ensure_ascii=True, separators=(",", ":"))
                return '{"ok":true,"id":%s,"output":%s}' % (json.dumps(request["id"]), output)
            except (Exception, SystemExit) as error:
                traceback.print_exc()
                return json.dumps({"ok": False, "id": request["id"], "error": describe(error)})

        def main():
            module, _, function = sys.argv[1].rpartition(".")
            sys.path[0] = os.getcwd()
            try:
                handler = getattr(importlib.import_module(module), function)
                if not callable(handler):
                    raise TypeError("%s is not callable" % sys.argv[1])
            except BaseException as error:
                traceback.print_exc()
                send(json.dumps({"ready": False, "error": describe(error)}))
                sys.exit(1)
            own = os.getpid()
            calls = queue.SimpleQueue()
            threading.Thread(target=read, args=(calls,), daemon=True).start()
            send('{"ready":true}')
            while True:
                text = answer(handler, json.loads(calls.get()))
                if os.getpid() != own:
                    # The handler forked and its child came back; the answer is not the child's to give.
                    os._exit(1)
                sys.stdout.flush()
                send(text)

        main()
        """# + "\n"
}
