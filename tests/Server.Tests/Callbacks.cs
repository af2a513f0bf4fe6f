using System.Reflection;
using System.Runtime.CompilerServices;

namespace Server.Tests;

/// <summary>Finds callbacks that can be set from outside after a type has been made. Events and a record's own parameters are none.</summary>
internal static class Callbacks
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    public static IEnumerable<string> Settable(Assembly assembly) =>
        assembly.GetTypes().Where(type => type.Namespace?.StartsWith("Relay", StringComparison.Ordinal) == true).SelectMany(Settable);

    public static IEnumerable<string> Settable(Type type)
    {
        if (type.IsDefined(typeof(CompilerGeneratedAttribute)))
        {
            return [];
        }

        var parameters = type.GetConstructors(Declared).SelectMany(constructor => constructor.GetParameters()).Select(parameter => parameter.Name).ToHashSet();
        var properties = type.GetProperties(Declared)
            .Where(property => IsDelegate(property.PropertyType) && property.SetMethod is { IsPrivate: false } && !parameters.Contains(property.Name))
            .Select(property => property.Name);
        var fields = type.GetFields(Declared)
            .Where(field => IsDelegate(field.FieldType) && field is { IsPrivate: false, IsInitOnly: false })
            .Select(field => field.Name);
        return properties.Concat(fields).Select(name => $"{type.Name}.{name}");
    }

    private static bool IsDelegate(Type type) => type.IsAssignableTo(typeof(Delegate));
}

/// <summary>One of each kind.</summary>
internal sealed class CallbackSample(Action<int> parameter)
{
    internal Action? Field = () => { };

    public event Action? Raised;

    public Action? Set { get; set; }

    public Func<int> Init { get; init; } = () => 0;

    public Action<int> Fixed { get; } = parameter;

    public void Raise()
    {
        Raised?.Invoke();
        Field?.Invoke();
    }
}
