using System.Globalization;

namespace Relay.EndToEnd.Support;

/// <summary>A control group with little memory, below that of the tests; the system ends a member that wants more.</summary>
internal sealed class MemoryGroup : IDisposable
{
    private readonly string _folder;

    private MemoryGroup(string folder, string max, long bytes)
    {
        _folder = folder;
        File.WriteAllText(Path.Combine(folder, max), bytes.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>A process joins by writing its id here.</summary>
    public string Members => Path.Combine(_folder, "cgroup.procs");

    /// <summary>Null: none may be made here.</summary>
    public static MemoryGroup? TryCreate(long bytes)
    {
        foreach (var line in File.Exists("/proc/self/cgroup") ? File.ReadAllLines("/proc/self/cgroup") : [])
        {
            // "0::/user.slice", or in version 1 "4:memory:/docker/4f2a"
            var (root, max) = line.Split(':') switch
            {
                ["0", "", var path] => ($"/sys/fs/cgroup{path}", "memory.max"),
                [_, "memory", var path] => ($"/sys/fs/cgroup/memory{path}", "memory.limit_in_bytes"),
                _ => ("", ""),
            };
            var folder = Path.Combine(root, $"relay-test-{Guid.NewGuid():N}");
            if (root.Length == 0 || !File.Exists(Path.Combine(root, "cgroup.procs")))
            {
                continue;
            }

            try
            {
                Directory.CreateDirectory(folder);
                if (File.Exists(Path.Combine(folder, max)))
                {
                    return new MemoryGroup(folder, max, bytes);
                }

                Directory.Delete(folder);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // Not ours to divide.
            }
        }

        return null;
    }

    // Its last member has ended; the kernel may need a moment to see it. The files in it are the kernel's.
    public void Dispose()
    {
        for (var attempt = 0; Directory.Exists(_folder); attempt++)
        {
            try
            {
                Directory.Delete(_folder);
            }
            catch (IOException) when (attempt < 1000)
            {
                Thread.Yield();
            }
        }
    }
}
