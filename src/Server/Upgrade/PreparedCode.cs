using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using Relay.Protocol.Moving;
using Relay.Sessions;
using Relay.Transport.Engine;

namespace Relay.Upgrade;

/// <summary>
/// Has the code that moves clients compiled before it is needed: each process runs it once in its life, and clients wait meanwhile. The published program is
/// compiled already.
/// </summary>
internal static class PreparedCode
{
    private const BindingFlags Own = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    /// <summary>Done when it is; on another thread.</summary>
    public static Task PrepareAsync(IEnumerable<IMovable> movables)
    {
        if (!RuntimeFeature.IsDynamicCodeCompiled)
        {
            return Task.CompletedTask;
        }

        HashSet<Type> types =
        [
            typeof(Session), typeof(EngineConnection), typeof(MovedPartWriter), typeof(MovedPartReader), typeof(Departure), typeof(Arrivals), typeof(MovedTime),
            typeof(ClientHandOver), typeof(ClientTakeOver), .. MovedPart.Descriptor.File.MessageTypes.Select(message => message.ClrType),
            .. movables.Select(movable => movable.GetType()),
        ];
        return Task.Run(() =>
        {
            foreach (var type in types)
            {
                Prepare(type);
            }
        });
    }

    // With its base classes of the relay's own, and with what the compiler makes of its closures.
    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "Where code is compiled when it is run nothing has been trimmed.")]
    private static void Prepare(Type type)
    {
        for (var one = type; one?.Assembly == type.Assembly; one = one.BaseType)
        {
            foreach (var method in one.GetMethods(Own).Cast<MethodBase>().Concat(one.GetConstructors(Own)))
            {
                if (!method.ContainsGenericParameters && !method.IsAbstract && !method.Attributes.HasFlag(MethodAttributes.PinvokeImpl))
                {
                    RuntimeHelpers.PrepareMethod(method.MethodHandle);
                }
            }

            foreach (var nested in one.GetNestedTypes(Own).Where(nested => !nested.ContainsGenericParameters && nested.IsClass))
            {
                Prepare(nested);
            }
        }
    }
}
