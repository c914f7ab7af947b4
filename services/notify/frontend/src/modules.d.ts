// Owns the types of what the build makes of a file: a style sheet is text, a module of its own is what it exports.
declare module "*.css" {
  const css: string;
  export default css;
}
