using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Relay.Native;

/// <summary>What is watched on a descriptor, and what is reported of it (epoll_ctl(2)).</summary>
[Flags]
internal enum EpollEvents : uint
{
    None = 0,
    Readable = 0x001,
    Writable = 0x004,
    Failed = 0x008,

    /// <summary>Both directions are over.</summary>
    HungUp = 0x010,

    /// <summary>The peer sends no more.</summary>
    PeerFinished = 0x2000,

    /// <summary>Tell only what is new.</summary>
    EdgeTriggered = 0x8000_0000,
}

/// <summary>One epoll instance. Registering is for any thread, waiting for one.</summary>
internal sealed unsafe partial class Epoll : IDisposable
{
    private const int AddOperation = 1;
    private const int RemoveOperation = 2;
    private const int ModifyOperation = 3;
    private const int CloseOnExec = 0x80000;

    private static readonly EpollEventLayout Layout = EpollEventLayout.Current;

    private readonly int _descriptor;
    private readonly int _capacity;
    private readonly byte* _events;

    public Epoll(int capacity)
    {
        _capacity = capacity;
        _descriptor = Create(CloseOnExec);
        if (_descriptor < 0)
        {
            throw new Win32Exception(Marshal.GetLastSystemError());
        }

        _events = (byte*)NativeMemory.AllocZeroed((nuint)(capacity * Layout.Size));
    }

    /// <returns>False: the system takes no more descriptors.</returns>
    public bool TryAdd(int descriptor, EpollEvents events, ulong data) => Control(AddOperation, descriptor, events, data);

    public void Modify(int descriptor, EpollEvents events, ulong data) => Control(ModifyOperation, descriptor, events, data);

    public void Remove(int descriptor) => Control(RemoveOperation, descriptor, EpollEvents.None, 0);

    /// <summary>Waits for events; <paramref name="timeout"/> is in milliseconds, -1 for ever. Returns how many there are, 0 also after a signal.</summary>
    public int Wait(int timeout) => Math.Max(0, Wait(_descriptor, _events, _capacity, timeout));

    public EpollEvents EventsAt(int index) => *(EpollEvents*)(_events + (index * Layout.Size));

    public ulong DataAt(int index) => *(ulong*)(_events + (index * Layout.Size) + Layout.DataOffset);

    public void Dispose()
    {
        Descriptors.Close(_descriptor);
        NativeMemory.Free(_events);
    }

    private bool Control(int operation, int descriptor, EpollEvents events, ulong data)
    {
        var entry = stackalloc byte[Layout.Size];
        *(EpollEvents*)entry = events;
        *(ulong*)(entry + Layout.DataOffset) = data;
        return Control(_descriptor, operation, descriptor, entry) == 0;
    }

    [LibraryImport("libc", EntryPoint = "epoll_create1")]
    private static partial int Create(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl")]
    private static partial int Control(int epoll, int operation, int descriptor, byte* entry);

    [LibraryImport("libc", EntryPoint = "epoll_wait")]
    private static partial int Wait(int epoll, byte* events, int capacity, int timeout);
}
